use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::client_credential::{check_strength, parse_hash, write_hash};
use super::secrets::SecretReader;
use crate::secret::sha256;
use crate::settings::problem::Problem;
use crate::settings::types::InitialAccessToken;

/// The document of an [`InitialAccessToken`].
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct InitialAccessTokenDocument {
    name: String,
    /// Only in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    /// Only in the database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token_sha256: Option<String>,
    applications: BTreeSet<String>,
}

impl InitialAccessTokenDocument {
    pub(super) fn write(value: &InitialAccessToken) -> Self {
        Self {
            name: value.name.clone(),
            token: None,
            token_sha256: Some(write_hash(&value.token_hash)),
            applications: value.applications.clone(),
        }
    }

    pub(in crate::settings) fn read(
        self,
        secrets: &dyn SecretReader,
    ) -> Result<InitialAccessToken, Problem> {
        let token_hash = match (self.token, self.token_sha256) {
            (Some(written), None) => {
                let token = secrets.secret("token", &written)?;
                check_strength("token", &token)?;
                sha256(token.expose().as_bytes())
            }
            (None, Some(hash)) => parse_hash("token_sha256", &hash)?,
            (Some(_), Some(_)) | (None, None) => {
                return Err(Problem::new("token", "is required"));
            }
        };

        Ok(InitialAccessToken {
            name: self.name,
            token_hash,
            applications: self.applications,
        })
    }
}
