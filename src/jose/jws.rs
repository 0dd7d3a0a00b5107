//! Signed messages: compact JWS with `ES256` (RFC 7515), and with other algorithms where clients sign.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};

use super::client_key::ClientKey;
use super::compact::{decode, encode, header, split};
use super::error::JoseError;
use super::json::check_object;
use super::jwk::{PrivateJwk, PublicJwk};

/// The longest JWS that is verified, in bytes.
pub const COMPACT_BYTES_MAX: usize = 8 * 1024;

/// The longest `kid` of the server's own tokens, which it selects a key for.
const KEY_ID_BYTES_MAX: usize = 64;

/// What is looked at. All else is ignored (RFC 7515 §4), above all what would choose a key: the caller
/// has it.
#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    /// Whether there are extensions that must be understood: there is none that is (RFC 7515 §4.1.11).
    #[serde(default, deserialize_with = "is_present")]
    crit: bool,
}

impl Header {
    fn check(&self, types: Types<'_>) -> Result<(), JoseError> {
        if !types.include(self.typ.as_deref()) {
            return Err(JoseError::Type);
        }

        if self.crit {
            return Err(JoseError::HeaderParameter);
        }

        Ok(())
    }
}

/// True, whatever the value is.
pub(super) fn is_present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// The accepted types (`typ`) of a message.
#[derive(Clone, Copy)]
pub(super) enum Types<'a> {
    Only(&'a str),
    NoneOr(&'a [&'a str]),
}

impl Types<'_> {
    /// Media types are case-insensitive (RFC 7515 §4.1.9).
    pub(super) fn include(self, typ: Option<&str>) -> bool {
        match (self, typ) {
            (Self::Only(expected), Some(found)) => found.eq_ignore_ascii_case(expected),
            (Self::Only(_), None) => false,
            (Self::NoneOr(accepted), Some(found)) => {
                accepted.iter().any(|typ| found.eq_ignore_ascii_case(typ))
            }
            (Self::NoneOr(_), None) => true,
        }
    }
}

/// Verifies a JWS with `key` and returns its payload, a JSON object without duplicate members.
///
/// If `typ` is given, the header must have this type. Otherwise it must have none or `JWT`.
pub fn verify(key: &PublicJwk, compact: &str, typ: Option<&str>) -> Result<Vec<u8>, JoseError> {
    verify_typed(
        key,
        compact,
        typ.map_or(Types::NoneOr(&["JWT"]), Types::Only),
    )
}

/// Like [`verify`], for several types.
pub(super) fn verify_typed(
    key: &PublicJwk,
    compact: &str,
    types: Types<'_>,
) -> Result<Vec<u8>, JoseError> {
    let parts = Parts::split(compact)?;
    let header: Header = parts.header()?;

    // The key decides, never the message (RFC 8725 §3.1).
    if header.alg != "ES256" {
        return Err(JoseError::Algorithm);
    }

    header.check(types)?;
    parts.verified_by(key)
}

/// Like [`verify_typed`], for a client: with the one of its keys that has signed. The header chooses
/// none.
pub(super) fn verify_by_client(
    keys: &[ClientKey],
    compact: &str,
    types: Types<'_>,
) -> Result<Vec<u8>, JoseError> {
    let parts = Parts::split(compact)?;
    let header: Header = parts.header()?;
    header.check(types)?;

    parts.verified(|signed, signature| {
        let mut refused = JoseError::Algorithm;
        for key in keys {
            match key.verify(&header.alg, signed, signature) {
                Ok(()) => return Ok(()),
                // Another key has another algorithm.
                Err(JoseError::Algorithm) => {}
                Err(error) => refused = error,
            }
        }
        Err(refused)
    })
}

/// The parts of a JWS, which is not verified yet.
pub(super) struct Parts<'a> {
    header: &'a str,
    payload: &'a str,
    signature: &'a str,
    signed: &'a str,
}

impl<'a> Parts<'a> {
    /// Splits a JWS of at most [`COMPACT_BYTES_MAX`].
    pub(super) fn split(compact: &'a str) -> Result<Self, JoseError> {
        let [header, payload, signature] = split(compact, COMPACT_BYTES_MAX)?;
        let signed = compact
            .get(..header.len() + 1 + payload.len())
            .ok_or(JoseError::Malformed)?;

        Ok(Self {
            header,
            payload,
            signature,
            signed,
        })
    }

    /// The header; see [`header`] for what is refused.
    pub(super) fn header<H: DeserializeOwned>(&self) -> Result<H, JoseError> {
        header(self.header)
    }

    /// The payload, an object without duplicate members. `check` is given the signed bytes and the
    /// signature and verifies them.
    pub(super) fn verified(
        &self,
        check: impl FnOnce(&[u8], &[u8]) -> Result<(), JoseError>,
    ) -> Result<Vec<u8>, JoseError> {
        let payload = decode(self.payload)?;
        check(self.signed.as_bytes(), &decode(self.signature)?)?;
        check_object(&payload)?;
        Ok(payload)
    }

    /// The payload, if it was signed with `key` and `ES256`.
    pub(super) fn verified_by(&self, key: &PublicJwk) -> Result<Vec<u8>, JoseError> {
        self.verified(|signed, signature| {
            let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.point());
            key.verify(signed, signature)
                .map_err(|_| JoseError::Verification)
        })
    }
}

/// The payload of a JWS without verifying it. Only to find out which key to verify it with.
pub fn unverified_payload(compact: &str) -> Result<Vec<u8>, JoseError> {
    Parts::split(compact)?.verified(|_, _| Ok(()))
}

/// Signs `payload`, a JSON object, with a header of `alg` and, if given, `typ`.
pub fn sign(key: &PrivateJwk, typ: Option<&str>, payload: &[u8]) -> Result<String, JoseError> {
    let header = match typ {
        Some(typ) => serde_json::json!({ "alg": "ES256", "typ": typ }),
        None => serde_json::json!({ "alg": "ES256" }),
    };
    assemble(header.to_string().as_bytes(), payload, |signed| {
        key.sign(signed)
    })
}

/// Assembles a JWS, whose signature `sign` makes.
pub(super) fn assemble<S: AsRef<[u8]>>(
    header: &[u8],
    payload: &[u8],
    sign: impl FnOnce(&[u8]) -> Result<S, JoseError>,
) -> Result<String, JoseError> {
    let mut compact = format!("{}.{}", encode(header), encode(payload));
    let signature = sign(compact.as_bytes())?;
    compact.push('.');
    compact.push_str(&encode(signature));
    Ok(compact)
}

/// Whether this can be a key's id: characters of base64url and dots, which are harmless in paths,
/// queries and logs.
pub(super) fn is_key_id(kid: &str) -> bool {
    kid.len() <= KEY_ID_BYTES_MAX
        && kid
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    const RFC_7515_A3_KEY: &str = r#"{"kty":"EC","crv":"P-256",
        "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
    const RFC_7515_A3_JWS: &str = "eyJhbGciOiJFUzI1NiJ9\
        .eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ\
        .DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

    fn sign_raw(key: &PrivateJwk, header: &str, payload: &str) -> String {
        let signed = format!("{}.{}", encode(header), encode(payload));
        let signature = key.sign(signed.as_bytes()).unwrap();
        format!("{signed}.{}", encode(signature))
    }

    #[test]
    fn the_example_of_rfc_7515_verifies() {
        let key = PublicJwk::from_json(RFC_7515_A3_KEY).unwrap();
        let payload = verify(&key, RFC_7515_A3_JWS, None).unwrap();
        assert!(payload.starts_with(br#"{"iss":"joe","#));
    }

    #[test]
    fn a_message_only_verifies_with_its_key_and_type() {
        let key = PrivateJwk::generate(&SystemRandom).unwrap();
        let other = PrivateJwk::generate(&SystemRandom).unwrap();
        let jws = sign(&key, Some("answer+jwt"), b"{\"a\":1}").unwrap();
        assert_eq!(
            verify(key.public(), &jws, Some("answer+jwt")),
            Ok(b"{\"a\":1}".to_vec())
        );

        assert_eq!(
            verify(other.public(), &jws, Some("answer+jwt")),
            Err(JoseError::Verification)
        );

        assert_eq!(
            verify(key.public(), &jws, Some("proof+jwt")),
            Err(JoseError::Type)
        );

        assert_eq!(verify(key.public(), &jws, None), Err(JoseError::Type));

        let untyped = sign(&key, None, b"{}").unwrap();
        assert_eq!(
            verify(key.public(), &untyped, Some("answer+jwt")),
            Err(JoseError::Type)
        );

        assert_eq!(verify(key.public(), &untyped, None), Ok(b"{}".to_vec()));
    }

    #[test]
    fn hostile_headers_are_refused_with_a_valid_signature() {
        let key = PrivateJwk::generate(&SystemRandom).unwrap();

        let corpus: Vec<(&str, JoseError)> = vec![
            (r#"{"alg":"none"}"#, JoseError::Algorithm),
            (r#"{"alg":"None"}"#, JoseError::Algorithm),
            (r#"{"alg":"es256"}"#, JoseError::Algorithm),
            (r#"{"alg":"HS256"}"#, JoseError::Algorithm),
            (r#"{"alg":"ES384"}"#, JoseError::Algorithm),
            (r#"{"alg":"RS256"}"#, JoseError::Algorithm),
            (r#"{"alg":"ES256K"}"#, JoseError::Algorithm),
            (r#"{"alg":"EdDSA"}"#, JoseError::Algorithm),
            (r#"{"alg":""}"#, JoseError::Algorithm),
            (r#"{"alg":null}"#, JoseError::HeaderParameter),
            (r#"{"alg":["ES256"]}"#, JoseError::HeaderParameter),
            (r#"{"typ":"JWT"}"#, JoseError::HeaderParameter),
            (
                r#"{"alg":"ES256","alg":"ES256"}"#,
                JoseError::DuplicateMember,
            ),
            (
                r#"{"alg":"none","alg":"ES256"}"#,
                JoseError::DuplicateMember,
            ),
            (
                r#"{"alg":"ES256","crit":["exp"]}"#,
                JoseError::HeaderParameter,
            ),
            (r#"{"alg":"ES256","crit":[]}"#, JoseError::HeaderParameter),
            (r#"{"alg":"ES256","crit":null}"#, JoseError::HeaderParameter),
            (
                r#"{"alg":"ES256","b64":false,"crit":["b64"]}"#,
                JoseError::HeaderParameter,
            ),
            (r#"{"alg":"ES256","typ":"at+jwt"}"#, JoseError::Type),
            (r#"{"alg":"ES256"} {}"#, JoseError::Malformed),
            (r#"["ES256"]"#, JoseError::Malformed),
            ("", JoseError::Malformed),
        ];

        for (header, expected) in corpus {
            assert_eq!(
                verify(key.public(), &sign_raw(&key, header, "{}"), None),
                Err(expected),
                "{header}"
            );
        }
    }

    #[test]
    fn what_a_header_says_otherwise_is_ignored() {
        let (key, other) = (
            PrivateJwk::generate(&SystemRandom).unwrap(),
            PrivateJwk::generate(&SystemRandom).unwrap(),
        );
        let long_kid = format!(r#"{{"alg":"ES256","kid":"{}"}}"#, "k".repeat(300));
        let other_jwk = format!(r#"{{"alg":"ES256","jwk":{}}}"#, other.public().to_json());

        for header in [
            r#"{"alg":"ES256","kid":"key-1.a_b","typ":"jwt"}"#,
            r#"{"cty":"json","alg":"ES256"}"#,
            r#"{"alg":"ES256","kid":"../../etc/passwd"}"#,
            r#"{"alg":"ES256","kid":"' OR 1=1 --"}"#,
            r#"{"alg":"ES256","kid":7}"#,
            r#"{"alg":"ES256","x5t":"abc","x5c":["MII"],"extra":{"a":[1]}}"#,
            r#"{"alg":"ES256","jku":"https://evil.test/keys","x5u":null}"#,
            &long_kid,
            &other_jwk,
        ] {
            let verified = |signer| verify(key.public(), &sign_raw(signer, header, "{}"), None);
            assert_eq!(verified(&key), Ok(b"{}".to_vec()), "{header}");
            // The header chooses no key.
            assert_eq!(verified(&other), Err(JoseError::Verification), "{header}");
        }
    }

    #[test]
    fn hostile_serializations_are_refused() {
        let key = PrivateJwk::generate(&SystemRandom).unwrap();
        let good = sign(&key, None, b"{\"a\":1}").unwrap();
        let [header, payload, signature] = split::<3>(&good, usize::MAX).unwrap();
        let none = encode(r#"{"alg":"none"}"#);
        let refused = |jws: &str| verify(key.public(), jws, None).unwrap_err();

        let malformed = [
            String::new(),
            ".".to_owned(),
            "..".to_owned(),
            format!("{header}.{payload}"),
            format!("{good}."),
            format!("{good}.{signature}"),
            format!("{good}="),
            format!("{good} "),
            format!(" {good}"),
            format!("{good}\n"),
            format!("{header}=.{payload}.{signature}"),
            format!("{header}.{}.{signature}", payload.replace('e', "+")),
        ];

        for jws in malformed {
            assert_eq!(refused(&jws), JoseError::Malformed, "{jws}");
        }

        assert_eq!(refused(&format!("{none}.{payload}.")), JoseError::Algorithm);

        assert_eq!(
            refused(&format!("{header}.{payload}.")),
            JoseError::Verification
        );

        assert_eq!(
            refused(&format!("{header}.{payload}.{}", encode([0; 64]))),
            JoseError::Verification
        );

        assert_eq!(
            refused(&format!("{header}.{}.{signature}", encode("{\"a\":2}"))),
            JoseError::Verification
        );

        assert_eq!(
            refused(&sign(&key, None, b"{\"a\":1,\"a\":2}").unwrap()),
            JoseError::DuplicateMember
        );

        assert_eq!(
            refused(&sign(&key, None, b"[]").unwrap()),
            JoseError::Malformed
        );

        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(COMPACT_BYTES_MAX));
        assert_eq!(
            refused(&sign(&key, None, long.as_bytes()).unwrap()),
            JoseError::TooLong
        );
    }

    #[test]
    fn non_canonical_base64url_is_refused() {
        let key = PrivateJwk::generate(&SystemRandom).unwrap();
        let good = sign(&key, None, b"{}").unwrap();

        // 64 bytes end in a character of which two bits count: the other four must be zero.
        let last = good.chars().last().unwrap();
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let position = alphabet.find(last).unwrap();
        let sibling = alphabet.chars().nth(position + 1).unwrap();
        let respelled = format!("{}{sibling}", good.split_at(good.len() - 1).0);
        assert_eq!(
            verify(key.public(), &respelled, None),
            Err(JoseError::Malformed)
        );
    }

    #[test]
    fn changing_any_character_invalidates_a_jws() {
        let key = PrivateJwk::generate(&SystemRandom).unwrap();
        let good = sign(&key, Some("JWT"), b"{\"sub\":\"alice\"}").unwrap();
        for index in 0..good.len() {
            for replacement in ["A", "_", ".", "=", "%"] {
                let mut changed = good.clone();
                changed.replace_range(index..=index, replacement);

                assert!(
                    changed == good || verify(key.public(), &changed, None).is_err(),
                    "{changed}"
                );
            }

            assert!(verify(key.public(), good.split_at(index).0, None).is_err());
        }
    }
}
