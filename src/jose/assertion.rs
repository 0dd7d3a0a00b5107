//! Client assertions: a client authenticates with a JWT that it signed (`private_key_jwt`, RFC 7523
//! §3).

use std::fmt;
use std::time::Duration;

use serde::Deserialize;

use super::client_key::ClientKey;
use super::date::NumericDate;
use super::error::JoseError;
use super::jws::{self, Types};
use crate::clock::Timestamp;

/// How long an assertion is accepted: the maximal age of `iat` or, without `iat`, how far `exp` may
/// be in the future.
pub const LIFETIME_MAX: Duration = Duration::from_secs(600);
/// How long `exp` may be after `iat`. Some libraries always write an hour; their assertions are
/// accepted for [`LIFETIME_MAX`] all the same.
pub const CLAIMED_LIFETIME_MAX: Duration = Duration::from_secs(3600);
/// How far the client's clock may differ from ours.
pub const LEEWAY: Duration = Duration::from_secs(300);
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

/// Why an assertion was refused. The texts are for the log: they say what was expected and what was
/// seen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssertionError {
    /// Not a JWS that the client's key signed.
    #[error("the assertion {0}")]
    Signature(JoseError),
    /// A claim is missing, has the wrong JSON type, or is out of bounds.
    #[error(
        "the assertion must have `iss`, `sub`, `aud`, `exp` and a `jti` of 1 to {JTI_BYTES_MAX} bytes"
    )]
    Claims,
    /// `iss` or `sub` is another client's.
    #[error("`iss` and `sub` must both be the client_id; seen: {seen}")]
    Subject { seen: Seen },
    #[error("`aud` must be {expected}, or an endpoint below it; seen: {seen}")]
    Audience { expected: String, seen: Seen },
    /// The signature is right, and the times are not: the client's clock differs too much from ours, or
    /// the assertion is an old one.
    #[error("`{claim}` is {seen} and the time here is {now}: {expected}")]
    Time {
        claim: &'static str,
        /// Seconds since the epoch, as `now`.
        seen: i64,
        now: i64,
        expected: &'static str,
    },
    /// `exp` is too long after `iat`.
    #[error("`exp` must be at most an hour after `iat`, and ten minutes from now without `iat`")]
    TooLongLived,
}

/// A text of the client's in a message: shortened, and without anything that could be taken for
/// another line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen(String);

impl Seen {
    const CHARACTERS_MAX: usize = 200;

    fn of(text: &str) -> Self {
        Self(text.chars().take(Self::CHARACTERS_MAX).collect())
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
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
    fn names(&self) -> String {
        match self {
            Self::One(name) => name.clone(),
            Self::Several(names) => names.join(" "),
        }
    }

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

/// Verifies that `compact` is an assertion by `client_id`, which one of `keys` has signed, for one of
/// `audiences`, at `now`.
pub fn verify(
    keys: &[ClientKey],
    compact: &str,
    client_id: &str,
    audiences: &[&str],
    now: Timestamp,
) -> Result<Assertion, AssertionError> {
    let payload = jws::verify_by_client(keys, compact, TYPES).map_err(AssertionError::Signature)?;
    let claims: Claims = serde_json::from_slice(&payload).map_err(|_| AssertionError::Claims)?;

    if claims.jti.is_empty() || claims.jti.len() > JTI_BYTES_MAX {
        return Err(AssertionError::Claims);
    }

    // RFC 7523 §3: the client speaks for itself, so both are its id.
    if claims.iss != client_id || claims.sub != client_id {
        let seen = Seen::of(&format!("{} {}", claims.iss, claims.sub));
        return Err(AssertionError::Subject { seen });
    }

    if !claims.aud.is_within(audiences) {
        return Err(AssertionError::Audience {
            expected: audiences.first().copied().unwrap_or_default().to_owned(),
            seen: Seen::of(&claims.aud.names()),
        });
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
    let off = |claim, seen: Timestamp, expected| AssertionError::Time {
        claim,
        seen: seen.as_secs(),
        now: now.as_secs(),
        expected,
    };

    if exp.after(LEEWAY) <= now {
        return Err(off("exp", exp, "the assertion has expired"));
    }

    let nbf = claims.nbf.map(NumericDate::timestamp);
    for (claim, date) in [("iat", iat), ("nbf", nbf)] {
        if let Some(date) = date
            && date > now.after(LEEWAY)
        {
            return Err(off(claim, date, "the assertion is not valid yet"));
        }
    }

    // However long it claims to live, it is used up soon after it was made: its `jti` has to be
    // remembered until then.
    let usable_until = match iat {
        Some(iat) if exp > iat.after(CLAIMED_LIFETIME_MAX) => {
            return Err(AssertionError::TooLongLived);
        }
        Some(iat) if iat.after(LIFETIME_MAX) < now => {
            return Err(off("iat", iat, "an assertion is made anew for each use"));
        }
        Some(iat) => iat.after(LIFETIME_MAX),
        None if exp > now.after(LIFETIME_MAX).after(LEEWAY) => {
            return Err(AssertionError::TooLongLived);
        }
        None => exp.after(LEEWAY),
    };

    Ok(exp.after(LEEWAY).min(usable_until))
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

    fn keys_of(key: &PrivateJwk) -> ClientKey {
        ClientKey::try_from(*key.public()).unwrap()
    }

    fn verdict(claims: &Value) -> Result<Assertion, AssertionError> {
        let key = PrivateJwk::generate(&SystemRandom).unwrap();
        let compact = jws::sign(&key, None, claims.to_string().as_bytes()).unwrap();
        assert_eq!(
            claimed_client(&compact).ok(),
            claims["sub"].as_str().map(ToOwned::to_owned)
        );

        verify(&[keys_of(&key)], &compact, "C1", &AUDIENCES, NOW)
    }

    #[test]
    fn a_valid_assertion_is_accepted() {
        let expected = Assertion {
            jti: "1".to_owned(),
            expires_at: NOW.after(Duration::from_secs(360)),
        };
        assert_eq!(verdict(&good()), Ok(expected));

        for (name, value) in [
            ("aud", json!([AUDIENCES[1]])),
            ("aud", json!(AUDIENCES)),
            ("exp", json!(NOW_SECS + 600)),
            ("exp", json!(NOW_SECS + 3600)),
            ("exp", json!(NOW_SECS as f64 + 1.5)),
            ("exp", json!(NOW_SECS - 299)),
            ("iat", json!(NOW_SECS + 300)),
            ("iat", json!(NOW_SECS - 600)),
            ("nbf", json!(NOW_SECS + 300)),
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

        enum Kind {
            Claims,
            Subject,
            Audience,
            Time,
            TooLongLived,
        }
        let is = |kind: &Kind, error: &AssertionError| match kind {
            Kind::Claims => matches!(error, AssertionError::Claims),
            Kind::Subject => matches!(error, AssertionError::Subject { .. }),
            Kind::Audience => matches!(error, AssertionError::Audience { .. }),
            Kind::Time => matches!(error, AssertionError::Time { .. }),
            Kind::TooLongLived => matches!(error, AssertionError::TooLongLived),
        };

        for ((name, value), expected) in [
            (("iss", json!("C2")), Kind::Subject),
            (("sub", json!("C2")), Kind::Subject),
            (("sub", json!(["C1"])), Kind::Claims),
            (("aud", json!("https://id.test/")), Kind::Audience),
            (("aud", json!([])), Kind::Audience),
            (
                ("aud", json!(["https://other.test", AUDIENCES[1]])),
                Kind::Audience,
            ),
            (("aud", json!("https://id.test.evil.test")), Kind::Audience),
            (("aud", json!([])), Kind::Audience),
            (("aud", json!({})), Kind::Claims),
            (exp(-300), Kind::Time),
            (exp(-301), Kind::Time),
            (exp(3601), Kind::TooLongLived),
            (("exp", json!(1e300)), Kind::TooLongLived),
            (("exp", json!((NOW_SECS + 60).to_string())), Kind::Claims),
            (("exp", json!(true)), Kind::Claims),
            (("exp", json!(null)), Kind::Claims),
            (("iat", json!(NOW_SECS + 301)), Kind::Time),
            (("iat", json!(NOW_SECS - 601)), Kind::Time),
            (("iat", json!("0")), Kind::Claims),
            (("nbf", json!(NOW_SECS + 301)), Kind::Time),
            (("nbf", json!((NOW_SECS - 1).to_string())), Kind::Claims),
            (("jti", json!("")), Kind::Claims),
            (("jti", json!("x".repeat(256))), Kind::Claims),
            (("jti", json!(7)), Kind::Claims),
        ] {
            let mut claims = good();
            claims[name] = value;
            let error = verdict(&claims).unwrap_err();
            assert!(is(&expected, &error), "{claims}: {error:?}");
        }

        for (name, value) in [("exp", json!(NOW_SECS + 901)), ("exp", json!(1e300))] {
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

        assert_eq!(until(60, Some(0)), Ok(360));
        assert_eq!(until(3600, Some(0)), Ok(600));
        assert_eq!(until(3000, Some(-600)), Ok(0));
        assert!(until(3000, Some(-601)).is_err());
        assert_eq!(until(3660, Some(60)), Ok(660));
        assert_eq!(until(600, None), Ok(900));
        assert_eq!(until(900, None), Ok(1200));
        assert_eq!(until(901, None), Err(AssertionError::TooLongLived));
    }

    #[test]
    fn a_refusal_says_what_was_expected_and_seen() {
        let key = PrivateJwk::generate(&SystemRandom).unwrap();
        let said = |name: &str, value: Value| {
            let mut claims = good();
            claims[name] = value;
            let compact = jws::sign(&key, None, claims.to_string().as_bytes()).unwrap();
            let verdict = verify(&[keys_of(&key)], &compact, "C1", &AUDIENCES, NOW);
            verdict.unwrap_err().to_string()
        };

        assert_eq!(
            said("aud", json!("http://10.0.0.7:8080\nx")),
            "`aud` must be https://id.test, or an endpoint below it; seen: \"http://10.0.0.7:8080\\nx\""
        );
        assert_eq!(
            said("exp", json!(NOW_SECS - 400)),
            format!(
                "`exp` is {} and the time here is {NOW_SECS}: the assertion has expired",
                NOW_SECS - 400
            )
        );
        assert!(said("iss", json!("x".repeat(3_000))).len() < 400);
    }

    #[test]
    fn common_headers_of_libraries_are_accepted() {
        let key = PrivateJwk::generate(&SystemRandom).unwrap();
        let verdict = |header: &str| {
            let sign = |signed: &[u8]| key.sign(signed);
            let compact =
                jws::assemble(header.as_bytes(), good().to_string().as_bytes(), sign).unwrap();
            verify(&[keys_of(&key)], &compact, "C1", &AUDIENCES, NOW).map(|assertion| assertion.jti)
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
