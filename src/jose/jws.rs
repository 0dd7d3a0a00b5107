//! Signed messages: JWS, compact, `ES256` (RFC 7515).

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde::Deserialize;

use super::compact::{decode, encode, header, split};
use super::json::check_object;
use super::{JoseError, PrivateJwk, PublicJwk};

/// The longest JWS that is looked at, in bytes.
pub const COMPACT_BYTES_MAX: usize = 8 * 1024;

/// The longest `kid`. It is never looked up: the caller knows the key already.
const KEY_ID_BYTES_MAX: usize = 64;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    /// Carries no meaning here, but libraries like to write it.
    #[serde(rename = "cty")]
    _content_type: Option<String>,
}

/// Verifies a JWS with `key` and gives its payload, a JSON object without duplicate members.
///
/// With `typ`, the header must name exactly this type; without, it may name none or `JWT`.
pub fn verify(key: &PublicJwk, compact: &str, typ: Option<&str>) -> Result<Vec<u8>, JoseError> {
    let [header_part, payload_part, signature_part] = split(compact, COMPACT_BYTES_MAX)?;
    check_header(&header(header_part)?, typ)?;
    let payload = decode(payload_part)?;
    let signature = decode(signature_part)?;
    let signed = compact.get(..header_part.len() + 1 + payload_part.len()).ok_or(JoseError::Malformed)?;
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.point())
        .verify(signed.as_bytes(), &signature)
        .map_err(|_| JoseError::Verification)?;
    check_object(&payload)?;
    Ok(payload)
}

/// The payload of a JWS that nobody verified: only to find out whose key to verify it with.
pub(super) fn unverified_payload(compact: &str) -> Result<Vec<u8>, JoseError> {
    let [_, payload, _] = split(compact, COMPACT_BYTES_MAX)?;
    let payload = decode(payload)?;
    check_object(&payload)?;
    Ok(payload)
}

/// Signs `payload`, a JSON object, with a header of `alg` and, if given, `typ`.
pub fn sign(key: &PrivateJwk, typ: Option<&str>, payload: &[u8]) -> Result<String, JoseError> {
    let header = match typ {
        Some(typ) => serde_json::json!({ "alg": "ES256", "typ": typ }),
        None => serde_json::json!({ "alg": "ES256" }),
    };
    let mut compact = format!("{}.{}", encode(header.to_string()), encode(payload));
    let signature = key.sign(compact.as_bytes())?;
    compact.push('.');
    compact.push_str(&encode(signature));
    Ok(compact)
}

fn check_header(header: &Header, typ: Option<&str>) -> Result<(), JoseError> {
    if header.alg != "ES256" {
        return Err(JoseError::Algorithm);
    }
    let type_fits = match (typ, &header.typ) {
        (Some(expected), Some(found)) => found.eq_ignore_ascii_case(expected),
        (Some(_), None) => false,
        (None, Some(found)) => found.eq_ignore_ascii_case("JWT"),
        (None, None) => true,
    };
    if !type_fits {
        return Err(JoseError::Type);
    }
    if header.kid.as_deref().is_some_and(|kid| !is_key_id(kid)) {
        return Err(JoseError::HeaderParameter);
    }
    Ok(())
}

fn is_key_id(kid: &str) -> bool {
    kid.len() <= KEY_ID_BYTES_MAX && kid.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
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
    fn what_is_signed_verifies_with_its_key_and_type_only() {
        let key = PrivateJwk::generate(&SystemRandom).unwrap();
        let other = PrivateJwk::generate(&SystemRandom).unwrap();
        let jws = sign(&key, Some("answer+jwt"), b"{\"a\":1}").unwrap();
        assert_eq!(verify(key.public(), &jws, Some("answer+jwt")), Ok(b"{\"a\":1}".to_vec()));
        assert_eq!(verify(other.public(), &jws, Some("answer+jwt")), Err(JoseError::Verification));
        assert_eq!(verify(key.public(), &jws, Some("proof+jwt")), Err(JoseError::Type));
        assert_eq!(verify(key.public(), &jws, None), Err(JoseError::Type));
        let untyped = sign(&key, None, b"{}").unwrap();
        assert_eq!(verify(key.public(), &untyped, Some("answer+jwt")), Err(JoseError::Type));
        assert_eq!(verify(key.public(), &untyped, None), Ok(b"{}".to_vec()));
    }

    #[test]
    fn hostile_headers_are_refused_though_properly_signed() {
        let key = PrivateJwk::generate(&SystemRandom).unwrap();
        let public = key.public().to_json();
        let long_kid = format!(r#"{{"alg":"ES256","kid":"{}"}}"#, "k".repeat(65));
        let own_jwk = format!(r#"{{"alg":"ES256","jwk":{public}}}"#);
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
            (r#"{"alg":"ES256","alg":"ES256"}"#, JoseError::DuplicateMember),
            (r#"{"alg":"none","alg":"ES256"}"#, JoseError::DuplicateMember),
            (r#"{"alg":"ES256","jku":"https://evil.test/keys"}"#, JoseError::HeaderParameter),
            (r#"{"alg":"ES256","x5u":"https://evil.test/cert"}"#, JoseError::HeaderParameter),
            (r#"{"alg":"ES256","x5c":["MII"]}"#, JoseError::HeaderParameter),
            (r#"{"alg":"ES256","jku":null}"#, JoseError::HeaderParameter),
            (&own_jwk, JoseError::HeaderParameter),
            (r#"{"alg":"ES256","crit":["exp"]}"#, JoseError::HeaderParameter),
            (r#"{"alg":"ES256","crit":[]}"#, JoseError::HeaderParameter),
            (r#"{"alg":"ES256","b64":false,"crit":["b64"]}"#, JoseError::HeaderParameter),
            (r#"{"alg":"ES256","zip":"DEF"}"#, JoseError::HeaderParameter),
            (r#"{"alg":"ES256","enc":"A256GCM"}"#, JoseError::HeaderParameter),
            (r#"{"alg":"ES256","kid":"../../etc/passwd"}"#, JoseError::HeaderParameter),
            (r#"{"alg":"ES256","kid":"' OR 1=1 --"}"#, JoseError::HeaderParameter),
            (r#"{"alg":"ES256","kid":7}"#, JoseError::HeaderParameter),
            (&long_kid, JoseError::HeaderParameter),
            (r#"{"alg":"ES256","typ":"at+jwt"}"#, JoseError::Type),
            (r#"{"alg":"ES256"} {}"#, JoseError::Malformed),
            (r#"["ES256"]"#, JoseError::Malformed),
            ("", JoseError::Malformed),
        ];
        for (header, expected) in corpus {
            assert_eq!(verify(key.public(), &sign_raw(&key, header, "{}"), None), Err(expected), "{header}");
        }
        for header in [r#"{"alg":"ES256","kid":"key-1.a_b","typ":"jwt"}"#, r#"{"cty":"json","alg":"ES256"}"#] {
            assert_eq!(verify(key.public(), &sign_raw(&key, header, "{}"), None), Ok(b"{}".to_vec()), "{header}");
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
        assert_eq!(refused(&format!("{header}.{payload}.")), JoseError::Verification);
        assert_eq!(refused(&format!("{header}.{payload}.{}", encode([0; 64]))), JoseError::Verification);
        assert_eq!(refused(&format!("{header}.{}.{signature}", encode("{\"a\":2}"))), JoseError::Verification);
        assert_eq!(refused(&sign(&key, None, b"{\"a\":1,\"a\":2}").unwrap()), JoseError::DuplicateMember);
        assert_eq!(refused(&sign(&key, None, b"[]").unwrap()), JoseError::Malformed);
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(COMPACT_BYTES_MAX));
        assert_eq!(refused(&sign(&key, None, long.as_bytes()).unwrap()), JoseError::TooLong);
    }

    #[test]
    fn a_second_spelling_of_the_same_bytes_is_refused() {
        let key = PrivateJwk::generate(&SystemRandom).unwrap();
        let good = sign(&key, None, b"{}").unwrap();
        // 64 bytes end in a character of which two bits count: the other four must be zero.
        let last = good.chars().last().unwrap();
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let position = alphabet.find(last).unwrap();
        let sibling = alphabet.chars().nth(position + 1).unwrap();
        let respelled = format!("{}{sibling}", good.split_at(good.len() - 1).0);
        assert_eq!(verify(key.public(), &respelled, None), Err(JoseError::Malformed));
    }

    #[test]
    fn every_changed_character_breaks_a_jws() {
        let key = PrivateJwk::generate(&SystemRandom).unwrap();
        let good = sign(&key, Some("JWT"), b"{\"sub\":\"alice\"}").unwrap();
        for index in 0..good.len() {
            for replacement in ["A", "_", ".", "=", "%"] {
                let mut changed = good.clone();
                changed.replace_range(index..=index, replacement);
                assert!(changed == good || verify(key.public(), &changed, None).is_err(), "{changed}");
            }
            assert!(verify(key.public(), good.split_at(index).0, None).is_err());
        }
    }
}
