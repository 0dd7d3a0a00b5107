use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::fields::{read_credentials, write_credentials};
use super::secrets::{SecretReader, SecretWriter};
use crate::settings::problem::Problem;
use crate::settings::types::CallbackEndpoint;

/// The document of a [`CallbackEndpoint`].
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct CallbackEndpointDocument {
    url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    password: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signing_secret: Option<String>,
    #[serde(default)]
    allow_private: bool,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    clients: BTreeSet<String>,
}

impl CallbackEndpointDocument {
    pub(super) fn write(endpoint: &CallbackEndpoint, secrets: &dyn SecretWriter) -> Self {
        let (username, password) = write_credentials(endpoint.credentials.as_ref(), secrets);

        Self {
            url: endpoint.url.clone(),
            username,
            password,
            signing_secret: endpoint
                .signing_secret
                .as_ref()
                .map(|secret| secrets.secret("signing_secret", secret)),
            allow_private: endpoint.allow_private,
            clients: endpoint.clients.clone(),
        }
    }

    pub(in crate::settings) fn read(
        self,
        secrets: &dyn SecretReader,
    ) -> Result<CallbackEndpoint, Problem> {
        Ok(CallbackEndpoint {
            credentials: read_credentials(self.username, self.password.as_deref(), secrets)?,
            signing_secret: secrets
                .optional_secret("signing_secret", self.signing_secret.as_deref())?,
            url: self.url,
            allow_private: self.allow_private,
            clients: self.clients,
        })
    }
}
