//! Clients that prove with their key who they are: API clients and web clients so configured, and
//! every installation.

use super::super::TokenServer;
use super::ClientError;
use crate::jose::{PublicJwk, assertion};
use crate::secret::TokenKind;
use crate::store::rows::AssertionIdRow;

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

/// What an assertion may be made for: the issuer, or any endpoint that takes one, whichever it is
/// sent to (RFC 9126 §2).
pub(in crate::oauth) fn audiences(issuer: &str) -> Vec<String> {
    let endpoints = ENDPOINTS.iter().map(|path| format!("{issuer}{path}"));
    std::iter::once(issuer.to_owned())
        .chain(endpoints)
        .collect()
}

impl TokenServer {
    /// Verifies an assertion by the client of this key, for the server as a whole or an endpoint of
    /// it.
    pub(super) fn verify_assertion(
        &self,
        key: &PublicJwk,
        client_id: &str,
        compact: &str,
    ) -> Result<AssertionIdRow, ClientError> {
        let audiences: Vec<&str> = self
            .0
            .assertion_audiences
            .iter()
            .map(String::as_str)
            .collect();
        let verified =
            assertion::verify(key, compact, client_id, &audiences, self.0.base.clock.now())
                .map_err(|error| {
                    tracing::debug!(%client_id, %error, "a client assertion was refused");
                    ClientError::Invalid
                })?;
        Ok(AssertionIdRow {
            client_id: client_id.to_owned(),
            jti_hash: self
                .0
                .base
                .keyring
                .token_hash(TokenKind::AssertionId, &verified.jti)
                .to_vec(),
            // Nodes need not agree on the time to the second.
            expires_at: verified.expires_at.after(assertion::LEEWAY).as_millis(),
        })
    }
}
