//! Clients that prove with their key who they are: API clients and web clients so configured, and every installation.

use super::super::TokenServer;
use super::ClientError;
use crate::jose::{PublicJwk, assertion};
use crate::secret::TokenKind;
use crate::store::rows::AssertionIdRow;

impl TokenServer {
    /// Verifies an assertion by the client of this key, for the token endpoint or the server as a whole.
    pub(super) fn verify_assertion(
        &self,
        key: &PublicJwk,
        client_id: &str,
        compact: &str,
    ) -> Result<AssertionIdRow, ClientError> {
        let audiences = [self.0.issuer.as_str(), self.0.token_endpoint.as_str()];
        let verified = assertion::verify(key, compact, client_id, &audiences, self.0.clock.now()).map_err(|error| {
            tracing::debug!(%client_id, %error, "a client assertion was refused");
            ClientError::Invalid
        })?;
        Ok(AssertionIdRow {
            client_id: client_id.to_owned(),
            jti_hash: self.0.keyring.token_hash(TokenKind::AssertionId, &verified.jti).to_vec(),
            // Nodes need not agree on the time to the second.
            expires_at: verified.expires_at.after(assertion::LEEWAY).as_millis(),
        })
    }
}
