use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::client_credential::CredentialFields;
use super::{Problem, Reveal};
use crate::ids::ClientId;
use crate::settings::{ApiClient, Permission};

/// An [`ApiClient`] as written. Exactly one of the three credentials is given.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct ApiClientDocument {
    client_id: ClientId,
    /// In the file only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    /// In the database only.
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

    pub(in crate::settings) fn read(self, reveal: &dyn Reveal) -> Result<ApiClient, Problem> {
        let fields = CredentialFields {
            client_secret: self.client_secret,
            client_secret_sha256: self.client_secret_sha256,
            public_jwk: self.public_jwk,
        };

        let problem = || {
            Problem::new(
                "client_secret",
                "give exactly one of client_secret and public_jwk",
            )
        };
        Ok(ApiClient {
            client_id: self.client_id,
            credential: fields.read(reveal)?.ok_or_else(problem)?,
            permissions: self.permissions,
            resource_servers: self.resource_servers,
            administers: self.administers,
        })
    }
}
