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
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    signing_secrets: Vec<String>,
    #[serde(default)]
    allow_private: bool,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    clients: BTreeSet<String>,
}

impl CallbackEndpointDocument {
    pub(super) fn write(endpoint: &CallbackEndpoint, secrets: &dyn SecretWriter) -> Self {
        let (username, password) = write_credentials(endpoint.credentials.as_ref(), secrets);

        let sealed = endpoint.signing_secrets.iter();
        let mut sealed: Vec<String> = sealed
            .map(|secret| secrets.secret("signing_secret", secret))
            .collect();
        // One stands alone.
        let signing_secret = if sealed.len() == 1 {
            sealed.pop()
        } else {
            None
        };

        Self {
            url: endpoint.url.clone(),
            username,
            password,
            signing_secret,
            signing_secrets: sealed,
            allow_private: endpoint.allow_private,
            clients: endpoint.clients.clone(),
        }
    }

    pub(in crate::settings) fn read(
        self,
        secrets: &dyn SecretReader,
    ) -> Result<CallbackEndpoint, Problem> {
        let written = self.signing_secret.iter().chain(&self.signing_secrets);
        let signing_secrets = written.map(|written| secrets.secret("signing_secret", written));

        Ok(CallbackEndpoint {
            credentials: read_credentials(self.username, self.password.as_deref(), secrets)?,
            signing_secrets: signing_secrets.collect::<Result<_, _>>()?,
            url: self.url,
            allow_private: self.allow_private,
            clients: self.clients,
        })
    }
}
