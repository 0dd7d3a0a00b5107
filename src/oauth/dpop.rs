//! Tokens that are of use only to who holds a key (RFC 9449): proofs of it, at the token endpoint
//! and where tokens are used.

use super::clients::{AuthenticatedClient, Client};
use super::{OAuthError, TokenRequest, TokenServer};
use crate::jose::assertion;
use crate::jose::dpop::{self, DpopExpectation};
use crate::secret::TokenKind;
use crate::store::rows::AssertionIdRow;

pub use crate::jose::dpop::DpopError;

/// Why a request's proof was refused. `invalid_dpop_proof` (RFC 9449 §7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofRefusal {
    /// There is none, or more than one.
    #[error("exactly one DPoP header is required")]
    Missing,
    /// It is not one for this request.
    #[error(transparent)]
    Invalid(#[from] DpopError),
    /// It came before.
    #[error("the DPoP proof was used before: each request needs one of its own")]
    Replayed,
}

/// A key that a request has proved to have.
pub(super) struct ProvenKey {
    /// Its thumbprint (RFC 7638).
    pub(super) jkt: String,
    /// What makes the proof good for one request, once it is recorded.
    pub(super) used: AssertionIdRow,
}

/// A client at the token endpoint that has proved who it is. Whether what it proved it with is new
/// is decided together with what it is used for.
pub(super) struct TokenClient {
    pub(super) client: Client,
    /// To be recorded in the same commit as what the request does.
    pub(super) assertions: Vec<AssertionIdRow>,
    /// The key that what is issued will be bound to.
    pub(super) jkt: Option<String>,
}

impl TokenClient {
    /// The key that its refresh tokens are bound to: those of other clients are bound to their
    /// credentials anyway (RFC 9449 §5).
    pub(super) fn refresh_token_jkt(&self) -> Option<&str> {
        self.jkt.as_deref().filter(|_| self.client.is_public())
    }
}

impl TokenServer {
    /// Finds out which client asks for a token, and which key it has.
    pub(super) async fn authenticate_token_client(
        &self,
        request: &TokenRequest,
    ) -> Result<TokenClient, OAuthError> {
        let proof = request.dpop.as_ref().map(|proof| {
            let expected = DpopExpectation {
                method: "POST",
                url: &self.0.token_endpoint,
                access_token: None,
                now: self.0.base.clock.now(),
            };
            self.prove_key(proof.expose(), &expected)
        });
        let proof = proof.transpose()?;
        let AuthenticatedClient {
            client,
            mut assertions,
        } = self.authenticate_client(&request.credentials).await?;
        if proof.is_none() && client.policy().dpop_bound_access_tokens {
            self.use_up(assertions).await?;
            return Err(ProofRefusal::Missing.into());
        }
        let (jkt, used) = proof.map(|ProvenKey { jkt, used }| (jkt, used)).unzip();
        assertions.extend(used);
        Ok(TokenClient {
            client,
            assertions,
            jkt,
        })
    }

    /// Verifies a proof, but for whether it is new.
    pub(super) fn prove_key(
        &self,
        proof: &str,
        expected: &DpopExpectation<'_>,
    ) -> Result<ProvenKey, ProofRefusal> {
        let proof = dpop::verify(proof, expected)?;
        let used = AssertionIdRow {
            // The kind of the hash keeps it apart from assertions, whatever clients are called.
            client_id: proof.jkt.clone(),
            jti_hash: self
                .0
                .base
                .keyring
                .token_hash(TokenKind::ProofId, &proof.jti)
                .to_vec(),
            // Nodes need not agree on the time to the second.
            expires_at: proof.expires_at.after(assertion::LEEWAY).as_millis(),
        };
        Ok(ProvenKey {
            jkt: proof.jkt,
            used,
        })
    }
}
