//! Proofs that a request holds a key (DPoP, RFC 9449): at the token endpoint, and where the tokens
//! that are bound to the key are used.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::error::ProofRefusal;
use super::model::UsedAssertions;
use crate::base::Base;
use crate::clock::Timestamp;
use crate::jose::dpop::{self, DpopExpectation};
use crate::secret::{Keyring, TokenKind, constant_time_eq};

/// How long proofs are asked to contain the same nonce. The one before it is still good.
const NONCE_MILLIS: i64 = 300_000;

/// A key that a request has proved to hold.
pub(super) struct ProvenKey {
    /// Its thumbprint (RFC 7638).
    pub(super) jkt: String,
    /// Still to be recorded: until then the same proof may have come with another request.
    pub(super) used: UsedAssertions,
}

/// Verifies a proof, except for whether it was used before.
pub(super) fn verify(
    base: &Base,
    proof: &str,
    expected: &DpopExpectation<'_>,
) -> Result<ProvenKey, ProofRefusal> {
    let proof = dpop::verify(proof, expected)?;

    // A proof that was made in advance, for a later time, does not have it (RFC 9449 §8).
    let must_be_fresh = base.settings.load().tokens.dpop_nonces;
    if must_be_fresh && !is_fresh(&base.keyring, proof.nonce.as_deref(), expected.now) {
        return Err(ProofRefusal::Nonce);
    }

    let used = UsedAssertions::proof(&base.keyring, &proof);

    Ok(ProvenKey {
        jkt: proof.jkt,
        used,
    })
}

/// The nonce that proofs have to contain now. Nothing is stored: all nodes derive the same.
pub(super) fn nonce(keyring: &Keyring, now: Timestamp) -> String {
    nonce_of(keyring, now.as_millis().div_euclid(NONCE_MILLIS))
}

fn is_fresh(keyring: &Keyring, nonce: Option<&str>, now: Timestamp) -> bool {
    let Some(nonce) = nonce else { return false };
    let period = now.as_millis().div_euclid(NONCE_MILLIS);

    // The one to come too: another node's clock may be ahead.
    [period - 1, period, period + 1]
        .into_iter()
        .any(|period| constant_time_eq(nonce.as_bytes(), nonce_of(keyring, period).as_bytes()))
}

fn nonce_of(keyring: &Keyring, period: i64) -> String {
    URL_SAFE_NO_PAD.encode(keyring.token_hash(TokenKind::DpopNonce, &period.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_good_for_five_minutes_and_then_some() {
        let keyring = Keyring::new(&[7; 32]);
        let at = |millis: i64| Timestamp::from_millis(1_800_000_000_000 + millis);
        let given = nonce(&keyring, at(0));

        for (millis, is_good) in [
            (0, true),
            (299_999, true),
            (599_999, true),
            (600_000, false),
            (-300_000, true),
            (-300_001, false),
        ] {
            assert_eq!(
                is_fresh(&keyring, Some(&given), at(millis)),
                is_good,
                "{millis}"
            );
        }

        for bad in [None, Some(""), Some("x")] {
            assert!(!is_fresh(&keyring, bad, at(0)));
        }
        assert!(!is_fresh(&Keyring::new(&[8; 32]), Some(&given), at(0)));
    }
}
