//! The programs that talk to the server with credentials of their own.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::TokenPolicy;
use crate::ids::ClientId;

/// What an API client may do. Each is asked for by the handlers that need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Start transactions and read their results.
    MobileAuthentication,
    /// Show and remove what users have: tokens, consents, devices.
    EndUser,
    /// Read the audit log.
    Events,
    /// Change the configuration.
    Configuration,
    /// Everything on the management listener.
    Admin,
    /// Introspect tokens.
    TokenIntrospection,
    /// Say who a user is: the login page's permission.
    UserAuthentication,
    /// List the tokens that users have at the clients it administers.
    ListUsers,
    /// List the tokens that users have at any client.
    ListUsersOtherClients,
}

/// How an API client or a web client proves that it is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientCredential {
    /// SHA-256 of the client secret, which is 256 random bits and needs no slow hash.
    SecretHash([u8; 32]),
    /// `private_key_jwt` (RFC 7523): the client's public key, a JWK in JSON.
    PublicKey(String),
}

/// An API client: a website, a portal, an administrator's program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiClient {
    /// Its OAuth `client_id`.
    pub client_id: ClientId,
    pub credential: ClientCredential,
    /// What it may do.
    pub permissions: BTreeSet<Permission>,
    /// Ids of the resource servers whose tokens it may introspect.
    pub resource_servers: BTreeSet<String>,
    /// Ids of the web clients and applications whose tokens it may list with
    /// [`Permission::ListUsers`].
    pub administers: BTreeSet<String>,
}

impl ApiClient {
    /// A client that may do this, and has neither resource servers nor clients to administer.
    #[must_use]
    pub fn new(
        client_id: ClientId,
        credential: ClientCredential,
        permissions: impl IntoIterator<Item = Permission>,
    ) -> Self {
        Self {
            client_id,
            credential,
            permissions: permissions.into_iter().collect(),
            resource_servers: BTreeSet::new(),
            administers: BTreeSet::new(),
        }
    }
}

/// How a web client may get tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// A user logs in and the browser brings a code (RFC 6749 §4.1).
    AuthorizationCode,
    /// New tokens for a refresh token (RFC 6749 §6).
    RefreshToken,
    /// Tokens of the client's own, without a user (RFC 6749 §4.4).
    ClientCredentials,
    /// A user logs in on another device (RFC 8628).
    #[serde(rename = "urn:ietf:params:oauth:grant-type:device_code")]
    DeviceCode,
}

impl GrantType {
    /// All of them, in the order of the metadata.
    pub const ALL: [Self; 4] = [
        Self::AuthorizationCode,
        Self::RefreshToken,
        Self::ClientCredentials,
        Self::DeviceCode,
    ];

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
            Self::DeviceCode => "urn:ietf:params:oauth:grant-type:device_code",
        }
    }
}

/// A website or a program that logs users in here, or gets tokens of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebClient {
    /// Its OAuth `client_id`; no API client has the same.
    pub client_id: ClientId,
    /// For people: the login and consent pages show it.
    pub name: String,
    /// How it authenticates; `None`: a public client, which has PKCE only.
    pub credential: Option<ClientCredential>,
    /// Where authorization answers may go; compared exactly.
    pub redirect_uris: Vec<String>,
    /// How it may get tokens.
    pub grant_types: BTreeSet<GrantType>,
    /// What it may ask for, and asks for when it asks for nothing in particular.
    pub scopes: BTreeSet<String>,
    /// Whether users are not asked for their consent.
    pub skip_consent: bool,
    /// Whether it has to push its authorization requests (RFC 9126 §6).
    pub require_pushed_authorization_requests: bool,
    pub tokens: TokenPolicy,
}

impl WebClient {
    /// A client of this id, named after it, that may do nothing yet.
    #[must_use]
    pub fn new(client_id: ClientId, credential: Option<ClientCredential>) -> Self {
        Self {
            name: client_id.to_string(),
            client_id,
            credential,
            redirect_uris: Vec::new(),
            grant_types: BTreeSet::new(),
            scopes: BTreeSet::new(),
            skip_consent: false,
            require_pushed_authorization_requests: false,
            tokens: TokenPolicy::default(),
        }
    }

    /// Whether it has no credential (RFC 6749 §2.1).
    #[must_use]
    pub const fn is_public(&self) -> bool {
        self.credential.is_none()
    }

    /// Whether it may get tokens this way.
    #[must_use]
    pub fn may_use(&self, grant_type: GrantType) -> bool {
        self.grant_types.contains(&grant_type)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_type_has_the_same_name_in_the_file_and_on_the_wire() {
        for grant_type in GrantType::ALL {
            assert_eq!(
                serde_json::to_value(grant_type).unwrap(),
                grant_type.as_str()
            );
        }
    }
}
