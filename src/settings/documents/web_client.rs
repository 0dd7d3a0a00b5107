use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::client_credential::CredentialFields;
use super::secrets::SecretReader;
use crate::ids::ClientId;
use crate::settings::problem::Problem;
use crate::settings::types::{GrantType, TokenPolicy, WebClient};

/// The document of a [`WebClient`]. It has at most two credentials.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct WebClientDocument {
    client_id: ClientId,
    name: String,
    /// Only in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    /// Only in the file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    client_secrets: Vec<String>,
    /// Only in the database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_secret_sha256: Option<String>,
    /// Only in the database.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    client_secrets_sha256: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    public_jwk: Option<Map<String, Value>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    public_jwks: Vec<Map<String, Value>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    jwks_uri: Option<String>,
    #[serde(default)]
    redirect_uris: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    post_logout_redirect_uris: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    backchannel_logout_uri: Option<String>,
    grant_types: BTreeSet<GrantType>,
    #[serde(default)]
    scopes: BTreeSet<String>,
    #[serde(default)]
    skip_consent: bool,
    #[serde(default)]
    require_pushed_authorization_requests: bool,
    #[serde(default = "yes")]
    require_pkce: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    allowed_origins: Option<BTreeSet<String>>,
    #[serde(default)]
    tokens: TokenPolicy,
}

impl WebClientDocument {
    pub(super) fn write(client: &WebClient) -> Self {
        let credentials = CredentialFields::write(&client.credentials);

        Self {
            client_id: client.client_id.clone(),
            name: client.name.clone(),
            client_secret: None,
            client_secrets: Vec::new(),
            client_secret_sha256: credentials.client_secret_sha256,
            client_secrets_sha256: credentials.client_secrets_sha256,
            public_jwk: credentials.public_jwk,
            public_jwks: credentials.public_jwks,
            jwks_uri: credentials.jwks_uri,
            redirect_uris: client.redirect_uris.clone(),
            post_logout_redirect_uris: client.post_logout_redirect_uris.clone(),
            backchannel_logout_uri: client.backchannel_logout_uri.clone(),
            grant_types: client.grant_types.clone(),
            scopes: client.scopes.clone(),
            skip_consent: client.skip_consent,
            require_pushed_authorization_requests: client.require_pushed_authorization_requests,
            require_pkce: client.require_pkce,
            allowed_origins: client.allowed_origins.clone(),
            tokens: client.tokens,
        }
    }

    pub(in crate::settings) fn read(
        self,
        secrets: &dyn SecretReader,
    ) -> Result<WebClient, Problem> {
        let fields = CredentialFields {
            client_secret: self.client_secret,
            client_secrets: self.client_secrets,
            client_secret_sha256: self.client_secret_sha256,
            client_secrets_sha256: self.client_secrets_sha256,
            public_jwk: self.public_jwk,
            public_jwks: self.public_jwks,
            jwks_uri: self.jwks_uri,
        };

        Ok(WebClient {
            client_id: self.client_id,
            name: self.name,
            credentials: fields.read(secrets)?,
            redirect_uris: self.redirect_uris,
            post_logout_redirect_uris: self.post_logout_redirect_uris,
            backchannel_logout_uri: self.backchannel_logout_uri,
            grant_types: self.grant_types,
            scopes: self.scopes,
            skip_consent: self.skip_consent,
            require_pushed_authorization_requests: self.require_pushed_authorization_requests,
            require_pkce: self.require_pkce,
            allowed_origins: self.allowed_origins,
            tokens: self.tokens,
        })
    }
}

const fn yes() -> bool {
    true
}
