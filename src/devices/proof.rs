//! Proofs of possession of an authenticator's key: a JWS over its purpose and the time. Pure.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::clock::Timestamp;
use crate::jose::{PublicJwk, jws};
use crate::secret::{constant_time_eq, sha256};

/// `typ` of the header (RFC 8725 §3.11) of a proof for a refresh token.
pub const REFRESH_PROOF_TYPE: &str = "refresh-proof+jwt";
/// `typ` of the header of a proof for a change of the key.
pub const CHANGE_PROOF_TYPE: &str = "authenticator-change+jwt";
/// How old a proof may be.
const AGE_MAX: Duration = Duration::from_secs(300);
/// How far the device's clock may be ahead of the server's.
const LEEWAY: Duration = Duration::from_secs(60);

/// Why a proof was refused. Of these, only a wrong signature can mean a wrong PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// It is no JWS, or a claim is missing or of another JSON type.
    #[error(
        "proof: must be a compact JWS over `iat` and `refresh_token_hash`; to change a key, `jwk_thumbprint`."
    )]
    Malformed,
    #[error("proof: `refresh_token_hash` is not the hash of this refresh token.")]
    OtherToken,
    #[error("proof: `jwk_thumbprint` is not the thumbprint of the new key.")]
    OtherKey,
    #[error("proof: `iat` is more than five minutes old or in the future; is the clock right?")]
    Stale,
    /// Where the key is derived from a PIN, the PIN was wrong.
    #[error("proof: is not signed with the authenticator's key.")]
    Signature,
}

/// What a proof is for.
#[derive(Clone, Copy, Debug)]
pub enum ProofOf<'a> {
    /// The use of this refresh token: `{"refresh_token_hash": base64url(SHA-256(refresh_token)),
    /// "iat": seconds}`.
    RefreshToken(&'a str),
    /// This key in place of the authenticator's: `{"jwk_thumbprint": of RFC 7638, "iat": seconds}`.
    NewKey(&'a PublicJwk),
}

impl ProofOf<'_> {
    /// Checks everything but the signature.
    pub fn check_claims(self, proof: &str, now: Timestamp) -> Result<(), ProofError> {
        let (member, expected, other) = match self {
            Self::RefreshToken(text) => (
                "refresh_token_hash",
                URL_SAFE_NO_PAD.encode(sha256(text.as_bytes())),
                ProofError::OtherToken,
            ),
            Self::NewKey(key) => ("jwk_thumbprint", key.thumbprint(), ProofError::OtherKey),
        };

        // The signature comes last. Until then nothing tells whether the PIN is right, so no
        // attempt is counted for a proof that is too old or made for something else.
        let payload = jws::unverified_payload(proof).map_err(|_| ProofError::Malformed)?;
        let claims: Value = serde_json::from_slice(&payload).map_err(|_| ProofError::Malformed)?;
        let subject = claims
            .get(member)
            .and_then(Value::as_str)
            .ok_or(ProofError::Malformed)?;

        let iat = claims
            .get("iat")
            .and_then(Value::as_i64)
            .ok_or(ProofError::Malformed)?;

        if !constant_time_eq(subject.as_bytes(), expected.as_bytes()) {
            return Err(other);
        }

        let made_at = iat
            .checked_mul(1000)
            .map(Timestamp::from_millis)
            .ok_or(ProofError::Stale)?;
        if made_at > now.after(LEEWAY) || made_at < now.before(AGE_MAX) {
            return Err(ProofError::Stale);
        }

        Ok(())
    }

    /// Whether the proof is signed with this key.
    #[must_use]
    pub fn is_by(self, key: &PublicJwk, proof: &str) -> bool {
        // Each purpose has a type: a proof for a refresh token changes no key (RFC 8725 §3.11).
        let proof_type = match self {
            Self::RefreshToken(_) => REFRESH_PROOF_TYPE,
            Self::NewKey(_) => CHANGE_PROOF_TYPE,
        };
        jws::verify(key, proof, Some(proof_type)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::jose::PrivateJwk;
    use crate::random::SystemRandom;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn key() -> PrivateJwk {
        PrivateJwk::generate(&SystemRandom).unwrap()
    }

    fn sign(key: &PrivateJwk, proof_type: &str, claims: &Value) -> String {
        jws::sign(key, Some(proof_type), claims.to_string().as_bytes()).unwrap()
    }

    fn hash(token: &str) -> String {
        URL_SAFE_NO_PAD.encode(sha256(token.as_bytes()))
    }

    #[test]
    fn a_proof_is_for_one_token_one_time_and_one_key() {
        let key = key();
        let good = sign(
            &key,
            REFRESH_PROOF_TYPE,
            &json!({ "refresh_token_hash": hash("T1"), "iat": NOW.as_secs() }),
        );

        let (first, second) = (ProofOf::RefreshToken("T1"), ProofOf::RefreshToken("T2"));
        assert_eq!(first.check_claims(&good, NOW), Ok(()));
        assert!(first.is_by(key.public(), &good));
        assert!(!first.is_by(self::key().public(), &good));
        assert_eq!(second.check_claims(&good, NOW), Err(ProofError::OtherToken));

        let other_type = jws::sign(&key, None, b"{}").unwrap();
        assert!(!first.is_by(key.public(), &other_type));
    }

    #[test]
    fn a_proof_for_a_new_key_proves_nothing_else() {
        let (new, key) = (key(), key());
        let claims = json!({ "jwk_thumbprint": new.public().thumbprint(), "iat": NOW.as_secs() });
        let good = sign(&key, CHANGE_PROOF_TYPE, &claims);
        let change = ProofOf::NewKey(new.public());
        assert_eq!(change.check_claims(&good, NOW), Ok(()));
        assert!(change.is_by(key.public(), &good));
        assert!(!change.is_by(new.public(), &good));
        assert!(!ProofOf::RefreshToken("T").is_by(key.public(), &good));
        assert!(!change.is_by(key.public(), &sign(&key, REFRESH_PROOF_TYPE, &claims)));

        assert_eq!(
            ProofOf::NewKey(key.public()).check_claims(&good, NOW),
            Err(ProofError::OtherKey)
        );

        assert_eq!(
            ProofOf::RefreshToken("T").check_claims(&good, NOW),
            Err(ProofError::Malformed)
        );
    }

    #[test]
    fn claims_are_held_to_their_bounds() {
        let proof = ProofOf::RefreshToken("T");
        let at = |iat: Value| {
            let claims = json!({ "refresh_token_hash": hash("T"), "iat": iat });
            proof.check_claims(&sign(&key(), REFRESH_PROOF_TYPE, &claims), NOW)
        };

        let now = NOW.as_secs();
        for iat in [now, now + 60, now - 300] {
            assert_eq!(at(json!(iat)), Ok(()), "{iat}");
        }

        for iat in [now + 61, now - 301, 0, i64::MAX, i64::MIN] {
            assert_eq!(at(json!(iat)), Err(ProofError::Stale), "{iat}");
        }

        for iat in [
            json!(now.to_string()),
            json!(null),
            json!(true),
            json!([now]),
            json!(1e300),
        ] {
            assert_eq!(at(iat.clone()), Err(ProofError::Malformed), "{iat}");
        }

        for text in ["", "a.b.c", "{}", &"x".repeat(10_000)] {
            assert_eq!(
                proof.check_claims(text, NOW),
                Err(ProofError::Malformed),
                "{text}"
            );
        }
    }
}
