//! The proof that goes with a refresh token of an authenticator: a JWS by the authenticator's key. Pure.
//!
//! `{"refresh_token_hash": base64url(SHA-256(refresh_token)), "iat": seconds}`, of the type `refresh-proof+jwt`.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::clock::Timestamp;
use crate::jose::{PublicJwk, jws};
use crate::secret::{constant_time_eq, sha256};

/// `typ` of the header (RFC 8725 §3.11).
pub const REFRESH_PROOF_TYPE: &str = "refresh-proof+jwt";
/// How old a proof may be.
const AGE_MAX: Duration = Duration::from_secs(300);
/// How far the phone's clock may be ahead of ours.
const LEEWAY: Duration = Duration::from_secs(60);

/// Why a proof was refused. Only a wrong signature can be a wrong PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// Not a JWS, or its claims are missing or of another JSON type.
    #[error("proof: must be a compact JWS over `refresh_token_hash` and `iat`.")]
    Malformed,
    /// Made for another token.
    #[error("proof: `refresh_token_hash` is not the hash of this refresh token.")]
    OtherToken,
    /// Made too long ago, or in the future.
    #[error("proof: `iat` is more than five minutes old or lies ahead; is the clock right?")]
    Stale,
    /// Not by the authenticator's key: where the key comes from a PIN, a wrong PIN.
    #[error("proof: is not signed with the key of the authenticator that the refresh token belongs to.")]
    Signature,
}

#[derive(Deserialize)]
struct Claims {
    refresh_token_hash: String,
    iat: i64,
}

/// Looks at everything about a proof but who made it.
pub(super) fn check_claims(proof: &str, refresh_token: &str, now: Timestamp) -> Result<(), ProofError> {
    let payload = jws::unverified_payload(proof).map_err(|_| ProofError::Malformed)?;
    let claims: Claims = serde_json::from_slice(&payload).map_err(|_| ProofError::Malformed)?;
    let expected = URL_SAFE_NO_PAD.encode(sha256(refresh_token.as_bytes()));
    if !constant_time_eq(claims.refresh_token_hash.as_bytes(), expected.as_bytes()) {
        return Err(ProofError::OtherToken);
    }
    let made_at = claims.iat.checked_mul(1000).map(Timestamp::from_millis).ok_or(ProofError::Stale)?;
    if made_at > now.after(LEEWAY) || made_at < now.before(AGE_MAX) {
        return Err(ProofError::Stale);
    }
    Ok(())
}

/// Whether this key made the proof.
pub(super) fn verifies(key: &PublicJwk, proof: &str) -> bool {
    jws::verify(key, proof, Some(REFRESH_PROOF_TYPE)).is_ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::jose::PrivateJwk;
    use crate::random::SystemRandom;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn proof(claims: &Value) -> (PrivateJwk, String) {
        let key = PrivateJwk::generate(&SystemRandom).unwrap();
        let compact = jws::sign(&key, Some(REFRESH_PROOF_TYPE), claims.to_string().as_bytes()).unwrap();
        (key, compact)
    }

    fn hash(token: &str) -> String {
        URL_SAFE_NO_PAD.encode(sha256(token.as_bytes()))
    }

    #[test]
    fn a_proof_is_for_one_token_one_time_and_one_key() {
        let (key, good) = proof(&json!({ "refresh_token_hash": hash("T1"), "iat": NOW.as_secs() }));
        assert_eq!(check_claims(&good, "T1", NOW), Ok(()));
        assert!(verifies(key.public(), &good));
        assert!(!verifies(PrivateJwk::generate(&SystemRandom).unwrap().public(), &good));
        assert_eq!(check_claims(&good, "T2", NOW), Err(ProofError::OtherToken));
        let other_type = jws::sign(&key, None, b"{}").unwrap();
        assert!(!verifies(key.public(), &other_type));
    }

    #[test]
    fn claims_are_held_to_their_bounds() {
        let at = |iat: Value| {
            let (_, compact) = proof(&json!({ "refresh_token_hash": hash("T"), "iat": iat }));
            check_claims(&compact, "T", NOW)
        };
        let now = NOW.as_secs();
        for iat in [now, now + 60, now - 300] {
            assert_eq!(at(json!(iat)), Ok(()), "{iat}");
        }
        for iat in [now + 61, now - 301, 0, i64::MAX, i64::MIN] {
            assert_eq!(at(json!(iat)), Err(ProofError::Stale), "{iat}");
        }
        for iat in [json!(now.to_string()), json!(null), json!(true), json!([now]), json!(1e300)] {
            assert_eq!(at(iat.clone()), Err(ProofError::Malformed), "{iat}");
        }
        for text in ["", "a.b.c", "{}", &"x".repeat(10_000)] {
            assert_eq!(check_claims(text, "T", NOW), Err(ProofError::Malformed), "{text}");
        }
    }
}
