//! The example of RFC 9449 and what must be refused.

use super::*;
use crate::random::SystemRandom;

const URL: &str = "https://server.example.com/token";
const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const NOW_SECS: i64 = NOW.as_secs();

const RFC_9449_JKT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
/// §4.1.
const RFC_9449_TOKEN_PROOF: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMz\
    R0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNyd\
    iI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2V\
    uIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";
/// §7.1.
const RFC_9449_RESOURCE_PROOF: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHg\
    tMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsIm\
    NydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9w\
    cm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2o\
    W9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA";
const RFC_9449_ACCESS_TOKEN: &str = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";

fn expectation() -> DpopExpectation<'static> {
    DpopExpectation {
        method: "POST",
        url: URL,
        access_token: None,
        now: NOW,
    }
}

fn good() -> Value {
    json!({ "jti": "1", "htm": "POST", "htu": URL, "iat": NOW_SECS })
}

fn key() -> PrivateJwk {
    PrivateJwk::generate(&SystemRandom).unwrap()
}

fn signed(key: &PrivateJwk, header: &str, claims: &Value) -> String {
    jws::assemble(header.as_bytes(), claims.to_string().as_bytes(), |signed| {
        key.sign(signed)
    })
    .unwrap()
}

fn verdict_on(claims: &Value, expected: &DpopExpectation<'_>) -> Result<DpopProof, DpopError> {
    let key = key();
    let header = json!({ "typ": TYPE, "alg": "ES256", "jwk": key.public() }).to_string();
    verify(&signed(&key, &header, claims), expected)
}

#[test]
fn the_examples_of_rfc_9449_verify() {
    let now = Timestamp::from_millis(1_562_262_620_000);

    let expected = DpopExpectation {
        method: "POST",
        url: URL,
        access_token: None,
        now,
    };

    let proof = DpopProof {
        nonce: None,
        jkt: RFC_9449_JKT.to_owned(),
        jti: "-BwC3ESc6acc2lTc".to_owned(),
        expires_at: Timestamp::from_millis(1_562_262_916_000),
    };

    assert_eq!(verify(RFC_9449_TOKEN_PROOF, &expected), Ok(proof));

    let url = "https://resource.example.org/protectedresource";
    let expected = DpopExpectation {
        method: "GET",
        url,
        access_token: Some(RFC_9449_ACCESS_TOKEN),
        now,
    };

    assert_eq!(
        verify(RFC_9449_RESOURCE_PROOF, &expected).unwrap().jkt,
        RFC_9449_JKT
    );

    let without = DpopExpectation {
        access_token: None,
        ..expected
    };
    assert!(verify(RFC_9449_RESOURCE_PROOF, &without).is_ok());

    let other = DpopExpectation {
        access_token: Some("Kz"),
        ..expected
    };
    assert_eq!(
        verify(RFC_9449_RESOURCE_PROOF, &other),
        Err(DpopError::AccessToken)
    );
}

#[test]
fn a_proof_is_only_valid_for_its_request() {
    let key = key();

    for access_token in [None, Some("token")] {
        let request = DpopExpectation {
            access_token,
            ..expectation()
        };
        let proof = sign(&key, &request, "1", None).unwrap();
        let verified = verify(&proof, &request).unwrap();
        assert_eq!(
            (verified.jkt, verified.jti),
            (key.public().thumbprint(), "1".to_owned())
        );

        let with_query = DpopExpectation {
            url: "https://server.example.com:443/token?a=b",
            ..request
        };
        assert!(verify(&proof, &with_query).is_ok());

        for (other, error) in [
            (
                DpopExpectation {
                    method: "GET",
                    ..request
                },
                DpopError::Method,
            ),
            (
                DpopExpectation {
                    url: "https://server.example.com/userinfo",
                    ..request
                },
                DpopError::Url,
            ),
            (DpopExpectation { url: "", ..request }, DpopError::Url),
            (
                DpopExpectation {
                    access_token: Some("other"),
                    ..request
                },
                DpopError::AccessToken,
            ),
            (
                DpopExpectation {
                    now: NOW.after(AGE_MAX),
                    ..request
                },
                DpopError::Expired,
            ),
            (
                DpopExpectation {
                    now: NOW.before(LEEWAY + Duration::from_secs(1)),
                    ..request
                },
                DpopError::NotYetValid,
            ),
        ] {
            assert_eq!(verify(&proof, &other), Err(error));
        }
    }
}

#[test]
fn claims_out_of_bounds_are_refused() {
    let far = Err(DpopError::Claims);
    let hash = token_hash("token");

    for (name, value, expected) in [
        ("jti", json!("x".repeat(255)), Ok(300)),
        ("jti", json!("x".repeat(256)), far),
        ("jti", json!(""), far),
        ("jti", json!(1), far),
        ("htm", json!("post"), Err(DpopError::Method)),
        ("htm", json!(["POST"]), far),
        (
            "htu",
            json!("https://server.example.com/token?x#y"),
            Ok(300),
        ),
        (
            "htu",
            json!("https://server.example.com/token/"),
            Err(DpopError::Url),
        ),
        ("htu", json!("https://evil.test/token"), Err(DpopError::Url)),
        ("htu", json!(""), Err(DpopError::Url)),
        ("htu", json!([URL]), far),
        ("iat", json!(NOW_SECS + 300), Ok(600)),
        ("iat", json!(NOW_SECS + 301), Err(DpopError::NotYetValid)),
        ("iat", json!(NOW_SECS - 299), Ok(1)),
        ("iat", json!(NOW_SECS - 300), Err(DpopError::Expired)),
        ("iat", json!(NOW_SECS - 3600), Err(DpopError::Expired)),
        ("iat", json!(NOW_SECS + 3600), Err(DpopError::NotYetValid)),
        ("iat", json!(1e300), Err(DpopError::NotYetValid)),
        ("iat", json!(-1e300), Err(DpopError::Expired)),
        ("exp", json!(NOW_SECS + 1), Ok(300)),
        ("exp", json!(NOW_SECS + 3600), Ok(300)),
        ("exp", json!(NOW_SECS), Err(DpopError::Expired)),
        ("nbf", json!(NOW_SECS + 300), Ok(300)),
        ("nbf", json!(NOW_SECS + 301), Err(DpopError::NotYetValid)),
        ("iat", json!(NOW_SECS.to_string()), far),
        ("iat", json!(null), far),
        ("ath", json!(hash), Ok(300)),
        ("ath", json!(1), far),
        ("nonce", json!("unasked for"), Ok(300)),
        ("extra", json!("ignored"), Ok(300)),
    ] {
        let mut claims = good();
        claims[name] = value;
        let seconds =
            verdict_on(&claims, &expectation()).map(|proof| proof.expires_at.as_secs() - NOW_SECS);
        assert_eq!(seconds, expected, "{claims}");
    }

    for name in ["jti", "htm", "htu", "iat"] {
        let mut claims = good();
        claims.as_object_mut().unwrap().remove(name);

        assert_eq!(
            verdict_on(&claims, &expectation()),
            Err(DpopError::Claims),
            "{claims}"
        );
    }

    let with_token = DpopExpectation {
        access_token: Some("token"),
        ..expectation()
    };

    for (ath, fits) in [
        (json!(null), false),
        (json!("token"), false),
        (json!(format!("{hash}=")), false),
        (json!(hash), true),
    ] {
        let mut claims = good();
        claims["ath"] = ath;
        let verdict = verdict_on(&claims, &with_token).map(|_| ());
        assert_eq!(
            verdict,
            if fits {
                Ok(())
            } else {
                Err(DpopError::AccessToken)
            },
            "{claims}"
        );
    }
}

#[test]
fn hostile_headers_are_refused() {
    let (key, other) = (key(), key());
    let public = key.public().to_json();
    let private = key.to_json();
    let signature = DpopError::Signature;

    let header = |alg: &str, more: &str| {
        format!(r#"{{"typ":"dpop+jwt","alg":"{alg}","jwk":{public}{more}}}"#)
    };

    let with_jwk = |jwk: &str| format!(r#"{{"typ":"dpop+jwt","alg":"ES256","jwk":{jwk}}}"#);

    let corpus = [
        (header("none", ""), signature(JoseError::Algorithm)),
        (header("HS256", ""), signature(JoseError::Algorithm)),
        (header("RS256", ""), signature(JoseError::Algorithm)),
        (header("EdDSA", ""), signature(JoseError::Algorithm)),
        (header("es256", ""), signature(JoseError::Algorithm)),
        (
            header("ES256", r#","crit":["nonce"]"#),
            signature(JoseError::HeaderParameter),
        ),
        (
            header("ES256", r#","b64":false,"crit":["b64"]"#),
            signature(JoseError::HeaderParameter),
        ),
        (
            header("ES256", r#","alg":"ES256""#),
            signature(JoseError::DuplicateMember),
        ),
        (
            header("ES256", &format!(r#","jwk":{public}"#)),
            signature(JoseError::DuplicateMember),
        ),
        (
            with_jwk(&public.replace('}', r#","kty":"EC"}"#)),
            signature(JoseError::DuplicateMember),
        ),
        (with_jwk(&private), DpopError::Key),
        (
            with_jwk(&other.public().to_json()),
            signature(JoseError::Verification),
        ),
        (with_jwk(r#"{"kty":"oct","k":"AAAA"}"#), DpopError::Key),
        (with_jwk(&public.replace("P-256", "P-384")), DpopError::Key),
        (
            with_jwk(r#"{"kty":"EC","crv":"P-256","x":"","y":""}"#),
            DpopError::Key,
        ),
        (with_jwk("null"), DpopError::Key),
        (with_jwk(r#""https://evil.test/key""#), DpopError::Key),
        (
            r#"{"typ":"dpop+jwt","alg":"ES256"}"#.to_owned(),
            DpopError::Key,
        ),
        (
            format!(r#"{{"alg":"ES256","jwk":{public}}}"#),
            signature(JoseError::Type),
        ),
        (
            format!(r#"{{"typ":"JWT","alg":"ES256","jwk":{public}}}"#),
            signature(JoseError::Type),
        ),
        (
            format!(r#"{{"typ":"at+jwt","alg":"ES256","jwk":{public}}}"#),
            signature(JoseError::Type),
        ),
        (
            format!(r#"{{"typ":"dpop+jwt","jwk":{public}}}"#),
            signature(JoseError::HeaderParameter),
        ),
        ("[]".to_owned(), signature(JoseError::Malformed)),
    ];

    for (header, expected) in corpus {
        assert_eq!(
            verify(&signed(&key, &header, &good()), &expectation()),
            Err(expected),
            "{header}"
        );
    }

    assert!(verify(&signed(&key, &header("ES256", ""), &good()), &expectation()).is_ok());

    let decorated = with_jwk(&public.replace(
        '}',
        r#","kid":"1","use":"sig","alg":"ES256","key_ops":["verify"],"ext":true}"#,
    ));
    assert!(verify(&signed(&key, &decorated, &good()), &expectation()).is_ok());
}

#[test]
fn changed_and_oversized_proofs_are_refused() {
    let key = key();
    let proof = sign(&key, &expectation(), "1", None).unwrap();
    for index in 0..proof.len() {
        for replacement in ["A", "_", ".", "="] {
            let mut changed = proof.clone();
            changed.replace_range(index..=index, replacement);

            assert!(
                changed == proof || verify(&changed, &expectation()).is_err(),
                "{changed}"
            );
        }

        assert!(verify(proof.split_at(index).0, &expectation()).is_err());
    }

    let refused = |proof: &str| verify(proof, &expectation()).unwrap_err();
    assert_eq!(
        refused(&format!("{proof}, {proof}")),
        DpopError::Signature(JoseError::Malformed)
    );

    let long = sign(
        &key,
        &expectation(),
        &"x".repeat(jws::COMPACT_BYTES_MAX),
        None,
    )
    .unwrap();
    assert_eq!(refused(&long), DpopError::Signature(JoseError::TooLong));

    let header = json!({ "typ": TYPE, "alg": "ES256", "jwk": key.public() }).to_string();
    let twice = good().to_string().replace('}', r#","htm":"GET"}"#);
    let twice = jws::assemble(header.as_bytes(), twice.as_bytes(), |signed| {
        key.sign(signed)
    })
    .unwrap();
    assert_eq!(
        refused(&twice),
        DpopError::Signature(JoseError::DuplicateMember)
    );
}
