//! Proofs that a request holds a key (DPoP, RFC 9449): at the token endpoint, and where the tokens
//! that are bound to the key are used.

use super::error::ProofRefusal;
use super::model::UsedAssertions;
use crate::jose::dpop::{self, DpopExpectation};
use crate::secret::Keyring;

/// A key that a request has proved to hold.
pub(super) struct ProvenKey {
    /// Its thumbprint (RFC 7638).
    pub(super) jkt: String,
    /// Still to be recorded: until then the same proof may have come with another request.
    pub(super) used: UsedAssertions,
}

/// Verifies a proof, except for whether it was used before.
pub(super) fn verify(
    keyring: &Keyring,
    proof: &str,
    expected: &DpopExpectation<'_>,
) -> Result<ProvenKey, ProofRefusal> {
    let proof = dpop::verify(proof, expected)?;
    let used = UsedAssertions::proof(keyring, &proof);

    Ok(ProvenKey {
        jkt: proof.jkt,
        used,
    })
}
