use serde::{Deserialize, Serialize};

use super::{Conceal, Problem, Reveal, credentials};
use crate::settings::CallbackEndpoint;

/// A [`CallbackEndpoint`] as written.
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
}

impl CallbackEndpointDocument {
    pub(super) fn write(endpoint: &CallbackEndpoint, conceal: &dyn Conceal) -> Self {
        let (username, password) =
            endpoint
                .credentials
                .as_ref()
                .map_or((None, None), |(username, password)| {
                    (
                        Some(username.clone()),
                        Some(conceal.secret("password", password)),
                    )
                });

        Self {
            url: endpoint.url.clone(),
            username,
            password,
            signing_secret: endpoint
                .signing_secret
                .as_ref()
                .map(|secret| conceal.secret("signing_secret", secret)),
            allow_private: endpoint.allow_private,
        }
    }

    pub(in crate::settings) fn read(
        self,
        reveal: &dyn Reveal,
    ) -> Result<CallbackEndpoint, Problem> {
        Ok(CallbackEndpoint {
            credentials: credentials(self.username, self.password.as_deref(), reveal)?,
            signing_secret: reveal
                .optional_secret("signing_secret", self.signing_secret.as_deref())?,
            url: self.url,
            allow_private: self.allow_private,
        })
    }
}
