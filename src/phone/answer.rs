//! The signed answer to a transaction.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::error::PhoneError;
use crate::clock::Timestamp;
use crate::ids::TransactionId;
use crate::jose::{PrivateJwk, jws};
use crate::secret::sha256;

/// The user's decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    Accept,
    Deny,
    /// Denied, and the user did not start the transaction.
    Report,
}

/// The payload of an answer. Public, so that tests can sign wrong ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerClaims {
    pub transaction_id: TransactionId,
    pub decision: Decision,
    /// The digest of what the phone showed; see [`content_digest`].
    pub content_digest: String,
    /// The time of the answer in seconds since the epoch.
    pub iat: i64,
}

impl AnswerClaims {
    #[must_use]
    pub fn new(
        transaction_id: TransactionId,
        decision: Decision,
        content_digest: &str,
        now: Timestamp,
    ) -> Self {
        Self {
            transaction_id,
            decision,
            content_digest: content_digest.to_owned(),
            iat: now.as_secs(),
        }
    }

    /// Signs the claims: a compact JWS with `ES256`.
    pub fn sign(&self, key: &PrivateJwk) -> Result<String, PhoneError> {
        let payload = serde_json::to_vec(self)
            .map_err(|_| PhoneError::UnexpectedAnswer("claims that are no JSON"))?;
        jws::sign(key, None, &payload).map_err(PhoneError::Cryptography)
    }
}

/// SHA-256 in base64url of exactly what the phone shows: the three parts joined by NUL, absent ones
/// empty.
#[must_use]
pub fn content_digest(
    message: &str,
    secure_message: Option<&str>,
    signing_data: Option<&str>,
) -> String {
    let shown = [
        message,
        secure_message.unwrap_or_default(),
        signing_data.unwrap_or_default(),
    ]
    .join("\0");

    URL_SAFE_NO_PAD.encode(sha256(shown.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    #[test]
    fn the_digest_distinguishes_the_parts() {
        let digests = [
            content_digest("a", None, None),
            content_digest("a", Some("b"), None),
            content_digest("a", None, Some("b")),
            content_digest("ab", None, None),
        ];

        for (index, digest) in digests.iter().enumerate() {
            assert_eq!(
                digests.iter().position(|other| other == digest),
                Some(index)
            );
        }

        // printf 'Pay?\0to Bob\0' | openssl dgst -sha256 -binary | basenc --base64url
        assert_eq!(
            content_digest("Pay?", Some("to Bob"), None),
            "jZuZOA8kFLsYbTBq9HUi9SlcicRrHRIrsaoGj23QNCE"
        );
    }

    #[test]
    fn an_answer_verifies_with_the_key_that_signed_it() {
        let key = PrivateJwk::generate(&SystemRandom).unwrap();
        let now = Timestamp::from_millis(1_700_000_000_000);
        let answer = AnswerClaims::new(
            TransactionId::new(now, &SystemRandom),
            Decision::Report,
            "d",
            now,
        );

        let payload = jws::verify(key.public(), &answer.sign(&key).unwrap(), None).unwrap();
        assert_eq!(
            serde_json::from_slice::<AnswerClaims>(&payload).unwrap(),
            answer
        );

        let text = String::from_utf8(payload).unwrap();
        assert!(
            text.contains(r#""decision":"report""#) && text.contains(r#""iat":1700000000"#),
            "{text}"
        );
    }
}
