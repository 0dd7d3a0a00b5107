use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::client_credential::CredentialFields;
use super::secrets::SecretReader;
use crate::ids::ClientId;
use crate::settings::problem::Problem;
use crate::settings::types::{ApiClient, Permission};

/// The document of an [`ApiClient`]. It has exactly one of the three credentials.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct ApiClientDocument {
    client_id: ClientId,
    /// Only in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    /// Only in the database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_secret_sha256: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    public_jwk: Option<Map<String, Value>>,
    permissions: BTreeSet<Permission>,
    #[serde(default)]
    resource_servers: BTreeSet<String>,
    #[serde(default)]
    administers: BTreeSet<String>,
}

impl ApiClientDocument {
    pub(super) fn write(client: &ApiClient) -> Self {
        let credential = CredentialFields::write(&client.credential);
        Self {
            client_id: client.client_id.clone(),
            client_secret: credential.client_secret,
            client_secret_sha256: credential.client_secret_sha256,
            public_jwk: credential.public_jwk,
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
            client_secret_sha256: self.client_secret_sha256,
            public_jwk: self.public_jwk,
        };

        let credential = fields.read(secrets)?.ok_or_else(|| {
            Problem::new(
                "client_secret",
                "give exactly one of client_secret and public_jwk",
            )
        })?;

        Ok(ApiClient {
            client_id: self.client_id,
            credential,
            permissions: self.permissions,
            resource_servers: self.resource_servers,
            administers: self.administers,
        })
    }
}
