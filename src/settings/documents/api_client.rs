use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::client_credential::CredentialFields;
use super::secrets::SecretReader;
use crate::ids::ClientId;
use crate::settings::problem::Problem;
use crate::settings::types::{ApiClient, Permission};

/// The document of an [`ApiClient`]. It has one or two credentials.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct ApiClientDocument {
    client_id: ClientId,
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
    permissions: BTreeSet<Permission>,
    #[serde(default)]
    resource_servers: BTreeSet<String>,
    #[serde(default)]
    administers: BTreeSet<String>,
}

impl ApiClientDocument {
    pub(super) fn write(client: &ApiClient) -> Self {
        let credentials = CredentialFields::write(&client.credentials);
        Self {
            client_id: client.client_id.clone(),
            client_secret: None,
            client_secrets: Vec::new(),
            client_secret_sha256: credentials.client_secret_sha256,
            client_secrets_sha256: credentials.client_secrets_sha256,
            public_jwk: credentials.public_jwk,
            public_jwks: credentials.public_jwks,
            jwks_uri: credentials.jwks_uri,
            permissions: client.permissions.clone(),
            resource_servers: client.resource_servers.clone(),
            administers: client.administers.clone(),
        }
    }

    pub(in crate::settings) fn read(
        self,
        secrets: &dyn SecretReader,
    ) -> Result<ApiClient, Problem> {
        let fields = CredentialFields {
            client_secret: self.client_secret,
            client_secrets: self.client_secrets,
            client_secret_sha256: self.client_secret_sha256,
            client_secrets_sha256: self.client_secrets_sha256,
            public_jwk: self.public_jwk,
            public_jwks: self.public_jwks,
            jwks_uri: self.jwks_uri,
        };

        let credentials = fields.read(secrets)?;
        if credentials.is_empty() {
            return Err(Problem::new(
                "client_secret",
                "give a client_secret, a public_jwk or a jwks_uri",
            ));
        }

        Ok(ApiClient {
            client_id: self.client_id,
            credentials,
            permissions: self.permissions,
            resource_servers: self.resource_servers,
            administers: self.administers,
        })
    }
}
