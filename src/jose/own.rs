//! Verifies the server's own JWTs: access tokens (RFC 9068) and the `id_token_hint`.

use std::borrow::Borrow;

use serde::Deserialize;

use super::algorithm::SigningAlgorithm;
use super::error::JoseError;
use super::jws::{self, Parts};
use super::verifying_key::VerifyingKey;

/// Exactly the parameters that [`SigningKey::sign`](super::SigningKey::sign) writes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
}

/// Verifies that one of the server's own keys signed `compact` with exactly this `typ`. Returns the
/// payload, a JSON object without duplicate members; the caller checks its claims.
///
/// `find` looks up a key by its `kid`, which has at most 64 characters of base64url or dots.
pub fn verify<K: Borrow<VerifyingKey>>(
    compact: &str,
    typ: &str,
    find: impl FnOnce(&str) -> Option<K>,
) -> Result<Vec<u8>, JoseError> {
    let parts = Parts::split(compact)?;
    let header: Header = parts.header()?;
    let algorithm = SigningAlgorithm::from_name(&header.alg).ok_or(JoseError::Algorithm)?;

    // Exactly as the server writes it: an ID token is no access token, though the same key signs
    // both.
    if header.typ.as_deref() != Some(typ) {
        return Err(JoseError::Type);
    }

    let kid = header
        .kid
        .filter(|kid| jws::is_key_id(kid))
        .ok_or(JoseError::UnknownKey)?;
    let key = find(&kid).ok_or(JoseError::UnknownKey)?;
    // A message must not choose how its key is used (RFC 8725 §3.1).
    if key.borrow().algorithm() != algorithm {
        return Err(JoseError::Algorithm);
    }

    parts.verified(|signed, signature| key.borrow().verify(signed, signature))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use aws_lc_rs::hmac;
    use serde_json::json;

    use super::*;
    use crate::jose::compact::encode;
    use crate::jose::signing_key::SigningKey;
    use crate::random::SystemRandom;

    const TYP: &str = "at+jwt";

    fn keys() -> (HashMap<String, VerifyingKey>, SigningKey, SigningKey) {
        let [es, rs] = SigningAlgorithm::ALL
            .map(|algorithm| SigningKey::generate(algorithm, &SystemRandom).unwrap());
        let known = [&es, &rs].map(|key| (key.kid().to_owned(), key.verifying_key().clone()));
        (known.into(), es, rs)
    }

    #[test]
    fn own_tokens_only_verify_with_their_type() {
        let (known, es, rs) = keys();
        for key in [&es, &rs] {
            let jwt = key.sign(TYP, &json!({ "sub": "alice" })).unwrap();
            assert_eq!(
                verify(&jwt, TYP, |kid| known.get(kid)),
                Ok(br#"{"sub":"alice"}"#.to_vec())
            );

            for other in ["JWT", "AT+JWT", "application/at+jwt", "dpop+jwt", ""] {
                assert_eq!(
                    verify(&jwt, other, |kid| known.get(kid)),
                    Err(JoseError::Type),
                    "{other}"
                );
            }

            assert_eq!(
                verify(&jwt, TYP, |_| None::<&VerifyingKey>),
                Err(JoseError::UnknownKey)
            );

            let other = SigningKey::generate(key.algorithm(), &SystemRandom).unwrap();
            assert_eq!(
                verify(&jwt, TYP, |_| Some(other.verifying_key())),
                Err(JoseError::Verification)
            );
        }

        let id_token = es.sign("JWT", &json!({ "sub": "alice" })).unwrap();
        assert_eq!(
            verify(&id_token, TYP, |kid| known.get(kid)),
            Err(JoseError::Type)
        );
    }

    #[test]
    fn hostile_headers_are_refused() {
        let (known, es, rs) = keys();
        let (es_kid, rs_kid) = (es.kid(), rs.kid());
        let header =
            |more: &str| format!(r#"{{"alg":"ES256","typ":"at+jwt","kid":"{es_kid}"{more}}}"#);
        let named =
            |alg: &str, kid: &str| format!(r#"{{"alg":"{alg}","typ":"at+jwt","kid":"{kid}"}}"#);
        let corpus = [
            (named("none", es_kid), JoseError::Algorithm),
            (named("None", es_kid), JoseError::Algorithm),
            (named("HS256", es_kid), JoseError::Algorithm),
            (named("PS256", rs_kid), JoseError::Algorithm),
            (named("es256", es_kid), JoseError::Algorithm),
            (named("ES384", es_kid), JoseError::Algorithm),
            (named("", es_kid), JoseError::Algorithm),
            (named("RS256", es_kid), JoseError::Algorithm),
            (named("ES256", rs_kid), JoseError::Algorithm),
            (named("ES256", ""), JoseError::UnknownKey),
            (named("ES256", "1"), JoseError::UnknownKey),
            (named("ES256", "../../etc/passwd"), JoseError::UnknownKey),
            (named("ES256", "' OR 1=1 --"), JoseError::UnknownKey),
            (
                named("ES256", "https://evil.test/keys"),
                JoseError::UnknownKey,
            ),
            (named("ES256", &"k".repeat(65)), JoseError::UnknownKey),
            (
                named("ES256", &format!("{es_kid}\\u0000")),
                JoseError::UnknownKey,
            ),
            (
                r#"{"alg":"ES256","typ":"at+jwt"}"#.to_owned(),
                JoseError::UnknownKey,
            ),
            (
                r#"{"alg":"ES256","typ":"at+jwt","kid":null}"#.to_owned(),
                JoseError::UnknownKey,
            ),
            (
                r#"{"alg":"ES256","typ":"at+jwt","kid":7}"#.to_owned(),
                JoseError::HeaderParameter,
            ),
            (
                format!(r#"{{"alg":"ES256","kid":"{es_kid}"}}"#),
                JoseError::Type,
            ),
            (
                format!(r#"{{"alg":"ES256","typ":"JWT","kid":"{es_kid}"}}"#),
                JoseError::Type,
            ),
            (
                format!(r#"{{"typ":"at+jwt","kid":"{es_kid}"}}"#),
                JoseError::HeaderParameter,
            ),
            (
                header(r#","jku":"https://evil.test/keys""#),
                JoseError::HeaderParameter,
            ),
            (
                header(r#","x5u":"https://evil.test/cert""#),
                JoseError::HeaderParameter,
            ),
            (header(r#","x5c":["MII"]"#), JoseError::HeaderParameter),
            (
                header(&format!(r#","jwk":{}"#, es.public_jwk())),
                JoseError::HeaderParameter,
            ),
            (header(r#","crit":["exp"]"#), JoseError::HeaderParameter),
            (header(r#","crit":[]"#), JoseError::HeaderParameter),
            (
                header(r#","b64":false,"crit":["b64"]"#),
                JoseError::HeaderParameter,
            ),
            (header(r#","zip":"DEF""#), JoseError::HeaderParameter),
            (header(r#","cty":"JWT""#), JoseError::HeaderParameter),
            (header(r#","alg":"ES256""#), JoseError::DuplicateMember),
            (header(r#","kid":"1""#), JoseError::DuplicateMember),
            (header(r#","\u0061lg":"none""#), JoseError::DuplicateMember),
            ("[]".to_owned(), JoseError::Malformed),
            (String::new(), JoseError::Malformed),
        ];

        for (header, expected) in corpus {
            // Whoever signs it: what the header says is refused before the signature is looked at.
            for key in [&es, &rs] {
                let jwt = jws::assemble(header.as_bytes(), b"{}", |signed| key.signature(signed))
                    .unwrap();
                assert_eq!(
                    verify(&jwt, TYP, |kid| known.get(kid)),
                    Err(expected),
                    "{header}"
                );
            }
        }

        let right =
            jws::assemble(header("").as_bytes(), b"{}", |signed| es.signature(signed)).unwrap();
        assert_eq!(
            verify(&right, TYP, |kid| known.get(kid)),
            Ok(b"{}".to_vec())
        );
    }

    #[test]
    fn a_public_key_is_no_shared_secret() {
        let (known, es, rs) = keys();
        for key in [&es, &rs] {
            let jwk = key.public_jwk();
            let secrets = [
                jwk.to_string(),
                jwk["x"].to_string(),
                jwk["n"].to_string(),
                key.kid().to_owned(),
            ];

            for (secret, alg) in secrets
                .iter()
                .flat_map(|secret| [(secret, "HS256"), (secret, "ES256"), (secret, "RS256")])
            {
                let header = json!({ "alg": alg, "typ": TYP, "kid": key.kid() }).to_string();
                let mac = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
                let jwt = jws::assemble(header.as_bytes(), b"{}", |signed| {
                    Ok(hmac::sign(&mac, signed))
                })
                .unwrap();
                assert!(
                    verify(&jwt, TYP, |kid| known.get(kid)).is_err(),
                    "{alg} {secret}"
                );
            }
        }
    }

    #[test]
    fn changing_any_character_invalidates_a_token() {
        let (known, es, rs) = keys();
        for key in [&es, &rs] {
            let good = key.sign(TYP, &json!({ "sub": "alice" })).unwrap();
            for index in 0..good.len() {
                for replacement in ["A", "_", ".", "="] {
                    let mut changed = good.clone();
                    changed.replace_range(index..=index, replacement);
                    let refused = verify(&changed, TYP, |kid| known.get(kid)).is_err();
                    assert!(changed == good || refused, "{changed}");
                }

                assert!(verify(good.split_at(index).0, TYP, |kid| known.get(kid)).is_err());
            }

            assert!(verify(&format!("{good}\n"), TYP, |kid| known.get(kid)).is_err());
        }
    }

    #[test]
    fn payloads_must_be_objects_of_bounded_size() {
        let (known, es, _) = keys();
        let header = json!({ "alg": "ES256", "typ": TYP, "kid": es.kid() }).to_string();
        let verdict = |payload: &str| {
            let sign = |signed: &[u8]| es.signature(signed);
            let jwt = jws::assemble(header.as_bytes(), payload.as_bytes(), sign).unwrap();
            verify(&jwt, TYP, |kid| known.get(kid))
        };

        assert_eq!(
            verdict(r#"{"exp":1,"exp":2}"#),
            Err(JoseError::DuplicateMember)
        );

        assert_eq!(
            verdict(r#"{"cnf":{"jkt":"1","jkt":"2"}}"#),
            Err(JoseError::DuplicateMember)
        );

        assert_eq!(verdict("[]"), Err(JoseError::Malformed));
        assert_eq!(verdict(""), Err(JoseError::Malformed));

        let long = json!({ "scope": "x".repeat(jws::COMPACT_BYTES_MAX) }).to_string();
        assert_eq!(verdict(&long), Err(JoseError::TooLong));

        let unsigned = format!(
            "{}.{}.",
            encode(r#"{"alg":"none","typ":"at+jwt"}"#),
            encode("{}")
        );

        assert_eq!(
            verify(&unsigned, TYP, |kid| known.get(kid)),
            Err(JoseError::Algorithm)
        );
    }
}
