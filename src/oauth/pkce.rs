//! Proof Key for Code Exchange (RFC 7636), `S256` only. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::secret::{constant_time_eq, sha256};

/// Whether a text can be a SHA-256 hash in base64url: an `S256` challenge, or the thumbprint of a
/// key.
pub(super) fn is_encoded_hash(text: &str) -> bool {
    text.len() == 43 && URL_SAFE_NO_PAD.decode(text).is_ok()
}

/// Whether `verifier` is well-formed (43 to 128 unreserved characters, §4.1) and its hash is
/// `challenge`.
pub(super) fn verifies(verifier: &str, challenge: &str) -> bool {
    // The client chooses the verifier. The least length keeps it from being one that can be
    // guessed.
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let well_formed = (43..=128).contains(&verifier.len()) && verifier.bytes().all(unreserved);
    let computed = URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes()));

    well_formed && constant_time_eq(computed.as_bytes(), challenge.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_7636_verifies() {
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert!(is_encoded_hash(challenge));

        assert!(verifies(
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
            challenge
        ));

        assert!(!verifies(challenge, challenge));
    }

    #[test]
    fn a_verifier_is_43_to_128_unreserved_characters() {
        let verdict = |verifier: &str| {
            verifies(
                verifier,
                &URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes())),
            )
        };

        for good in [
            "a".repeat(43),
            "a".repeat(128),
            format!("{}-._~", "Z9".repeat(20)),
        ] {
            assert!(verdict(&good), "{good}");
        }

        let with = |bad: &str| format!("{}{bad}", "a".repeat(43));

        for bad in [
            String::new(),
            "a".repeat(42),
            "a".repeat(129),
            with("+"),
            with("/"),
            with("="),
            with(" "),
            with("é"),
        ] {
            assert!(!verdict(&bad), "{bad}");
        }
    }

    #[test]
    fn a_challenge_is_base64url_of_32_bytes() {
        for bad in [
            "",
            "abc",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM=",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM",
        ] {
            assert!(!is_encoded_hash(bad), "{bad}");
        }
    }
}
