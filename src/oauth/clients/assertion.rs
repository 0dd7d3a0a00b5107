//! Client assertions (RFC 7523): of API clients and web clients that are configured so, and of
//! every device.

use super::error::ClientError;
use crate::clock::Timestamp;
use crate::jose::ClientKey;
use crate::jose::assertion::{self, AssertionError};
use crate::oauth::issuer::Issuer;
use crate::oauth::model::UsedAssertions;
use crate::secret::Keyring;

/// Where clients authenticate with a form.
const ENDPOINTS: [&str; 7] = [
    "/oauth/token",
    "/oauth/par",
    "/oauth/device_authorization",
    "/oauth/revoke",
    "/oauth/introspect",
    "/oauth/api/v1/token/introspect",
    "/oauth/api/v2/token/introspect",
];

/// Verifies the assertions of clients.
pub(super) struct Assertions {
    /// The issuer, and every endpoint that takes an assertion, whichever it is sent to (RFC 9126
    /// §2).
    audiences: Vec<String>,
}

impl Assertions {
    pub(super) fn new(issuer: &Issuer) -> Self {
        let mut audiences = vec![issuer.as_str().to_owned()];
        audiences.extend(ENDPOINTS.iter().map(|path| issuer.at(path)));
        Self { audiences }
    }

    /// Verifies an assertion by the client that has these keys, one or two, except for whether it was
    /// used before.
    pub(super) fn verify(
        &self,
        keyring: &Keyring,
        keys: &[ClientKey],
        client_id: &str,
        compact: &str,
        now: Timestamp,
    ) -> Result<UsedAssertions, ClientError> {
        let audiences: Vec<&str> = self.audiences.iter().map(String::as_str).collect();

        match assertion::verify(keys, compact, client_id, &audiences, now) {
            Ok(assertion) => Ok(UsedAssertions::assertion(keyring, client_id, &assertion)),
            Err(error) => {
                // Only logged: the reason would help whoever forges one. The client's key has signed
                // what only the times are wrong of.
                tracing::info!(%client_id, %error, "a client assertion was refused");
                Err(match error {
                    AssertionError::Time { .. } => ClientError::ClockSkew {
                        server_time: now.as_secs(),
                    },
                    _ => ClientError::Invalid,
                })
            }
        }
    }
}
