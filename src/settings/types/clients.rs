//! The clients that administrators register: API clients and web clients.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use url::Url;

use super::tokens::TokenPolicy;
use crate::ids::ClientId;

/// What an API client may do.
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
    /// Introspect access tokens.
    TokenIntrospection,
    /// Introspect refresh tokens too.
    TokenIntrospectionAll,
    /// Tell the server who a user is: the permission of login pages.
    UserAuthentication,
    /// List the tokens of the clients that it administers.
    ListUsers,
    /// List the tokens of all clients.
    ListUsersOtherClients,
}

/// How a client authenticates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientCredential {
    /// SHA-256 of the client secret. Secrets are random, so they need no slow hash.
    SecretHash([u8; 32]),
    /// `private_key_jwt` (RFC 7523): the client's public key as a JWK in JSON.
    PublicKey(String),
    /// `private_key_jwt` with keys that the client publishes: its `jwks_uri` (RFC 7591 §2).
    KeysAt(String),
}

/// A client of the server's own APIs, such as a website, a portal or an administrator's program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiClient {
    pub client_id: ClientId,
    /// One, or two while one replaces the other.
    pub credentials: Vec<ClientCredential>,
    pub permissions: BTreeSet<Permission>,
    /// The ids of the resource servers whose tokens it may introspect.
    pub resource_servers: BTreeSet<String>,
    /// The ids of the web clients and applications whose tokens it may list with
    /// [`Permission::ListUsers`].
    pub administers: BTreeSet<String>,
}

impl ApiClient {
    /// A client with these permissions, without resource servers and clients to administer.
    #[must_use]
    pub fn new(
        client_id: ClientId,
        credential: ClientCredential,
        permissions: impl IntoIterator<Item = Permission>,
    ) -> Self {
        Self {
            client_id,
            credentials: vec![credential],
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
    /// RFC 6749 §4.1.
    AuthorizationCode,
    /// RFC 6749 §6.
    RefreshToken,
    /// RFC 6749 §4.4: tokens without a user.
    ClientCredentials,
    /// RFC 8628: the user logs in on another device.
    #[serde(rename = "urn:ietf:params:oauth:grant-type:device_code")]
    DeviceCode,
    /// RFC 8693: tokens for other resource servers, of the users whose tokens it was given.
    #[serde(rename = "urn:ietf:params:oauth:grant-type:token-exchange")]
    TokenExchange,
}

impl GrantType {
    /// In the order of the server's metadata.
    pub const ALL: [Self; 5] = [
        Self::AuthorizationCode,
        Self::RefreshToken,
        Self::ClientCredentials,
        Self::DeviceCode,
        Self::TokenExchange,
    ];

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
            Self::DeviceCode => "urn:ietf:params:oauth:grant-type:device_code",
            Self::TokenExchange => "urn:ietf:params:oauth:grant-type:token-exchange",
        }
    }
}

/// An OAuth client that logs users in or gets tokens for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebClient {
    /// Differs from the ids of all API clients and applications.
    pub client_id: ClientId,
    /// Shown to users on the login and consent pages.
    pub name: String,
    /// None for a public client, which only has PKCE; two while one replaces the other.
    pub credentials: Vec<ClientCredential>,
    /// Where authorization responses may be sent; compared exactly.
    pub redirect_uris: Vec<String>,
    /// Where users may be sent after they have logged out; compared exactly.
    pub post_logout_redirect_uris: Vec<String>,
    /// Where it is told that a log-in has ended (OpenID Connect Back-Channel Logout).
    pub backchannel_logout_uri: Option<String>,
    pub grant_types: BTreeSet<GrantType>,
    /// The scopes that it may request. A request without scopes means all of these.
    pub scopes: BTreeSet<String>,
    /// Whether users are not asked for consent.
    pub skip_consent: bool,
    /// Whether it must push its authorization requests (RFC 9126 §6).
    pub require_pushed_authorization_requests: bool,
    /// Whether its authorization requests must have a `code_challenge` (RFC 7636). Without one they
    /// must have a `nonce`. Public clients always need it.
    pub require_pkce: bool,
    /// The origins whose pages may call the token server from a browser. `None` means those of its
    /// redirect addresses.
    pub allowed_origins: Option<BTreeSet<String>>,
    pub tokens: TokenPolicy,
}

impl WebClient {
    /// A client whose name is its id and that may do nothing yet.
    #[must_use]
    pub fn new(client_id: ClientId, credential: Option<ClientCredential>) -> Self {
        Self {
            name: client_id.to_string(),
            client_id,
            credentials: credential.into_iter().collect(),
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            backchannel_logout_uri: None,
            grant_types: BTreeSet::new(),
            scopes: BTreeSet::new(),
            skip_consent: false,
            require_pushed_authorization_requests: false,
            require_pkce: true,
            allowed_origins: None,
            tokens: TokenPolicy::default(),
        }
    }

    /// Whether it is a public client (RFC 6749 §2.1).
    #[must_use]
    pub const fn is_public(&self) -> bool {
        self.credentials.is_empty()
    }

    /// Whether pages of this origin may call the token server in its name.
    #[must_use]
    pub fn allows_origin(&self, origin: &str) -> bool {
        match &self.allowed_origins {
            Some(allowed) => allowed.contains(origin),
            None => self
                .redirect_uris
                .iter()
                .any(|uri| web_origin(uri).as_deref() == Some(origin)),
        }
    }

    #[must_use]
    pub fn may_use(&self, grant_type: GrantType) -> bool {
        self.grant_types.contains(&grant_type)
    }
}

/// The origin of an address, as browsers name it. `None` for a scheme without origins.
pub(crate) fn web_origin(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    matches!(url.scheme(), "http" | "https").then(|| url.origin().ascii_serialization())
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
