//! Client assertions: a client authenticates with a JWT that it signed (`private_key_jwt`, RFC 7523
//! §3).

use std::time::Duration;

use serde::Deserialize;

use super::date::NumericDate;
use super::error::JoseError;
use super::jwk::PublicJwk;
use super::jws::{self, Types};
use crate::clock::Timestamp;

/// How long an assertion is accepted: the maximal age of `iat` or, without `iat`, how far `exp` may
/// be in the future.
pub const LIFETIME_MAX: Duration = Duration::from_secs(600);
/// How long `exp` may be after `iat`. Some libraries always write an hour; their assertions are
/// accepted for [`LIFETIME_MAX`] all the same.
pub const CLAIMED_LIFETIME_MAX: Duration = Duration::from_secs(3600);
/// How far the client's clock may be ahead of ours.
pub const LEEWAY: Duration = Duration::from_secs(60);
/// The longest `jti`, in bytes.
pub const JTI_BYTES_MAX: usize = 255;

/// Most libraries write `JWT` or nothing. The other type is that of the successor of RFC 7523.
const TYPES: Types<'_> = Types::NoneOr(&["JWT", "client-authentication+jwt"]);

/// A verified assertion. It must be used only once: the caller records `jti` until `expires_at`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// Unique for the client.
    pub jti: String,
    /// From then on the assertion is refused because of its age.
    pub expires_at: Timestamp,
}

/// Why an assertion was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssertionError {
    /// Not a JWS that the client's key signed.
    #[error("the assertion {0}")]
    Signature(JoseError),
    /// A claim is missing, has the wrong JSON type, or is out of bounds.
    #[error(
        "the assertion must have `iss`, `sub`, `aud`, `exp` and a `jti` of 1 to {JTI_BYTES_MAX} bytes"
    )]
    Claims,
    #[error("`iss` and `sub` must both be the client_id")]
    Subject,
    #[error("`aud` does not name this server")]
    Audience,
    #[error("the assertion has expired; is the clock right?")]
    Expired,
    /// `exp` is too far in the future or `iat` too long ago.
    #[error("the assertion must be made anew for each use and expire soon; is the clock right?")]
    TooLongLived,
    /// `iat` or `nbf` is in the future.
    #[error("the assertion is not valid yet; is the clock right?")]
    NotYetValid,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: NumericDate,
    iat: Option<NumericDate>,
    nbf: Option<NumericDate>,
    jti: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    /// Whether it is for these and for nobody else: another audience could use it here, in the
    /// client's name.
    fn is_within(&self, audiences: &[&str]) -> bool {
        let is_ours = |name: &String| audiences.contains(&name.as_str());

        match self {
            Self::One(name) => is_ours(name),
            Self::Several(names) => !names.is_empty() && names.iter().all(is_ours),
        }
    }
}

/// Verifies that `compact` is an assertion by `client_id`, whose key is `key`, for one of
/// `audiences`, at `now`.
pub fn verify(
    key: &PublicJwk,
    compact: &str,
    client_id: &str,
    audiences: &[&str],
    now: Timestamp,
) -> Result<Assertion, AssertionError> {
    let payload = jws::verify_typed(key, compact, TYPES).map_err(AssertionError::Signature)?;
    let claims: Claims = serde_json::from_slice(&payload).map_err(|_| AssertionError::Claims)?;

    if claims.jti.is_empty() || claims.jti.len() > JTI_BYTES_MAX {
        return Err(AssertionError::Claims);
    }

    // RFC 7523 §3: the client speaks for itself, so both are its id.
    if claims.iss != client_id || claims.sub != client_id {
        return Err(AssertionError::Subject);
    }

    if !claims.aud.is_within(audiences) {
        return Err(AssertionError::Audience);
    }

    let expires_at = check_times(&claims, now)?;

    Ok(Assertion {
        jti: claims.jti,
        expires_at,
    })
}

/// Checks the dates. Returns when the assertion expires.
fn check_times(claims: &Claims, now: Timestamp) -> Result<Timestamp, AssertionError> {
    let exp = claims.exp.timestamp();
    let iat = claims.iat.map(NumericDate::timestamp);

    // No leeway to this side: a client whose clock is behind makes a new one.
    if exp <= now {
        return Err(AssertionError::Expired);
    }

    let not_before = claims.nbf.map(NumericDate::timestamp);
    if [iat, not_before]
        .into_iter()
        .flatten()
        .any(|date| date > now.after(LEEWAY))
    {
        return Err(AssertionError::NotYetValid);
    }

    // However long it claims to live, it is used up soon after it was made: its `jti` has to be
    // remembered until then.
    let (exp_max, usable_until) = match iat {
        Some(iat) => (iat.after(CLAIMED_LIFETIME_MAX), iat.after(LIFETIME_MAX)),
        None => (now.after(LIFETIME_MAX), exp),
    };

    if exp > exp_max || usable_until < now {
        return Err(AssertionError::TooLongLived);
    }

    Ok(exp.min(usable_until))
}

/// The client that an assertion claims to come from. Only to find the key to verify it with, because
/// nothing is verified here.
pub fn claimed_client(compact: &str) -> Result<String, AssertionError> {
    #[derive(Deserialize)]
    struct Subject {
        sub: String,
    }

    let payload = jws::unverified_payload(compact).map_err(AssertionError::Signature)?;
    let subject: Subject = serde_json::from_slice(&payload).map_err(|_| AssertionError::Claims)?;
    Ok(subject.sub)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::jose::jwk::PrivateJwk;
    use crate::random::SystemRandom;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
    const NOW_SECS: i64 = NOW.as_secs();
    const AUDIENCES: [&str; 2] = ["https://id.test", "https://id.test/oauth/token"];

    fn good() -> Value {
        json!({ "iss": "C1", "sub": "C1", "aud": "https://id.test", "exp": NOW_SECS + 60, "iat": NOW_SECS, "jti": "1" })
    }

    fn verdict(claims: &Value) -> Result<Assertion, AssertionError> {
        let key = PrivateJwk::generate(&SystemRandom).unwrap();
        let compact = jws::sign(&key, None, claims.to_string().as_bytes()).unwrap();
        assert_eq!(
            claimed_client(&compact).ok(),
            claims["sub"].as_str().map(ToOwned::to_owned)
        );

        verify(key.public(), &compact, "C1", &AUDIENCES, NOW)
    }

    #[test]
    fn a_valid_assertion_is_accepted() {
        let expected = Assertion {
            jti: "1".to_owned(),
            expires_at: NOW.after(Duration::from_secs(60)),
        };
        assert_eq!(verdict(&good()), Ok(expected));

        for (name, value) in [
            ("aud", json!([AUDIENCES[1]])),
            ("aud", json!(AUDIENCES)),
            ("exp", json!(NOW_SECS + 600)),
            ("exp", json!(NOW_SECS + 3600)),
            ("exp", json!(NOW_SECS as f64 + 1.5)),
            ("iat", json!(NOW_SECS + 60)),
            ("iat", json!(NOW_SECS - 600)),
            ("nbf", json!(NOW_SECS + 60)),
            ("jti", json!("x".repeat(255))),
            ("extra", json!({ "ignored": true })),
        ] {
            let mut claims = good();
            claims[name] = value;
            assert!(verdict(&claims).is_ok(), "{claims}");
        }
    }

    #[test]
    fn claims_out_of_bounds_are_refused() {
        let exp = |seconds: i64| ("exp", json!(NOW_SECS + seconds));

        for ((name, value), expected) in [
            (("iss", json!("C2")), AssertionError::Subject),
            (("sub", json!("C2")), AssertionError::Subject),
            (("sub", json!(["C1"])), AssertionError::Claims),
            (("aud", json!("https://id.test/")), AssertionError::Audience),
            (("aud", json!([])), AssertionError::Audience),
            (
                ("aud", json!(["https://other.test", AUDIENCES[1]])),
                AssertionError::Audience,
            ),
            (
                ("aud", json!("https://id.test.evil.test")),
                AssertionError::Audience,
            ),
            (("aud", json!([])), AssertionError::Audience),
            (("aud", json!({})), AssertionError::Claims),
            (exp(0), AssertionError::Expired),
            (exp(-1), AssertionError::Expired),
            (exp(3601), AssertionError::TooLongLived),
            (("exp", json!(1e300)), AssertionError::TooLongLived),
            (
                ("exp", json!((NOW_SECS + 60).to_string())),
                AssertionError::Claims,
            ),
            (("exp", json!(true)), AssertionError::Claims),
            (("exp", json!(null)), AssertionError::Claims),
            (("iat", json!(NOW_SECS + 61)), AssertionError::NotYetValid),
            (("iat", json!(NOW_SECS - 601)), AssertionError::TooLongLived),
            (("iat", json!("0")), AssertionError::Claims),
            (("nbf", json!(NOW_SECS + 61)), AssertionError::NotYetValid),
            (
                ("nbf", json!((NOW_SECS - 1).to_string())),
                AssertionError::Claims,
            ),
            (("jti", json!("")), AssertionError::Claims),
            (("jti", json!("x".repeat(256))), AssertionError::Claims),
            (("jti", json!(7)), AssertionError::Claims),
        ] {
            let mut claims = good();
            claims[name] = value;
            assert_eq!(verdict(&claims), Err(expected), "{claims}");
        }

        for (name, value) in [("exp", json!(NOW_SECS + 601)), ("exp", json!(1e300))] {
            let mut claims = good();
            claims.as_object_mut().unwrap().remove("iat");
            claims[name] = value;

            assert_eq!(
                verdict(&claims),
                Err(AssertionError::TooLongLived),
                "{claims}"
            );
        }

        for name in ["iss", "sub", "aud", "exp", "jti"] {
            let mut claims = good();
            claims.as_object_mut().unwrap().remove(name);
            assert_eq!(verdict(&claims), Err(AssertionError::Claims), "{claims}");
        }
    }

    #[test]
    fn an_assertion_is_accepted_for_ten_minutes_whatever_its_exp() {
        let until = |exp: i64, iat: Option<i64>| {
            let mut claims = good();
            claims["exp"] = json!(NOW_SECS + exp);
            claims["iat"] = json!(iat.map(|iat| NOW_SECS + iat));
            verdict(&claims).map(|assertion| assertion.expires_at.as_secs() - NOW_SECS)
        };

        assert_eq!(until(60, Some(0)), Ok(60));
        assert_eq!(until(3600, Some(0)), Ok(600));
        assert_eq!(until(3000, Some(-600)), Ok(0));
        assert_eq!(until(3000, Some(-601)), Err(AssertionError::TooLongLived));
        assert_eq!(until(3660, Some(60)), Ok(660));
        assert_eq!(until(600, None), Ok(600));
        assert_eq!(until(601, None), Err(AssertionError::TooLongLived));
    }

    #[test]
    fn common_headers_of_libraries_are_accepted() {
        let key = PrivateJwk::generate(&SystemRandom).unwrap();
        let verdict = |header: &str| {
            let sign = |signed: &[u8]| key.sign(signed);
            let compact =
                jws::assemble(header.as_bytes(), good().to_string().as_bytes(), sign).unwrap();
            verify(key.public(), &compact, "C1", &AUDIENCES, NOW).map(|assertion| assertion.jti)
        };

        for header in [
            r#"{"alg":"ES256"}"#.to_owned(),
            r#"{"alg":"ES256","typ":"JWT"}"#.to_owned(),
            r#"{"alg":"ES256","typ":"client-authentication+jwt"}"#.to_owned(),
            format!(
                r#"{{"typ":"JWT","alg":"ES256","kid":"{}"}}"#,
                key.public().thumbprint()
            ),
            r#"{"alg":"ES256","kid":"a key of 2026/1","x5t":"abc"}"#.to_owned(),
        ] {
            assert_eq!(verdict(&header), Ok("1".to_owned()), "{header}");
        }

        for typ in [
            "at+jwt",
            "dpop+jwt",
            "application/client-authentication+jwt",
            "",
        ] {
            let header = json!({ "alg": "ES256", "typ": typ }).to_string();
            assert_eq!(
                verdict(&header),
                Err(AssertionError::Signature(JoseError::Type)),
                "{header}"
            );
        }
    }
}
