//! The keys that clients sign their assertions with (RFC 7518 §3.3 to §3.5, RFC 8037).

use std::fmt;

use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256,
};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;

use super::compact::{decode, encode};
use super::error::JoseError;
use super::jwk::PublicJwk;

/// The algorithms that a client's assertion may be signed with, for the metadata.
pub const CLIENT_ALGORITHMS: [&str; 4] = ["ES256", "RS256", "PS256", "EdDSA"];

/// The bounds of an RSA modulus, in bytes: shorter ones are weak, longer ones slow.
const MODULUS_BYTES_MIN: usize = 256;
const MODULUS_BYTES_MAX: usize = 1024;

/// A public key of a client: P-256, RSA of 2048 to 8192 bits, or Ed25519.
///
/// Its type determines the algorithms that it verifies, never the message (RFC 8725 §3.1).
#[derive(Clone)]
pub struct ClientKey {
    /// The JWK with required members only (RFC 7638 §3), so that equal keys are equal texts.
    json: String,
    /// By the name of the algorithm.
    verifiers: Vec<(&'static str, ParsedPublicKey)>,
}

/// The members that matter. Others are ignored, as RFC 7517 §4 requires.
#[derive(Deserialize)]
struct Members {
    kty: String,
    crv: Option<String>,
    x: Option<String>,
    n: Option<String>,
    e: Option<String>,
    /// In the private keys of all types.
    d: Option<IgnoredAny>,
}

impl ClientKey {
    /// Reads a JWK in JSON. One that contains the private key is refused, because that key is no
    /// longer secret.
    pub fn from_json(json: &str) -> Result<Self, JoseError> {
        let members: Members = serde_json::from_str(json).map_err(|_| JoseError::InvalidKey)?;
        if members.d.is_some() {
            return Err(JoseError::InvalidKey);
        }

        match (members.kty.as_str(), members.crv.as_deref()) {
            ("EC", _) => PublicJwk::from_json(json).and_then(Self::try_from),
            ("RSA", _) => Self::rsa(&octets(members.n)?, &octets(members.e)?),
            ("OKP", Some("Ed25519")) => Self::ed25519(&octets(members.x)?),
            _ => Err(JoseError::InvalidKey),
        }
    }

    /// The JWK with required members only.
    #[must_use]
    pub fn to_json(&self) -> &str {
        &self.json
    }

    fn rsa(n: &[u8], e: &[u8]) -> Result<Self, JoseError> {
        // A modulus with a leading zero is shorter than it looks, and written in two ways.
        let is_full = n.first().is_some_and(|first| *first != 0);
        let fits = (MODULUS_BYTES_MIN..=MODULUS_BYTES_MAX).contains(&n.len());
        // 1 would make every message its own signature.
        let has_exponent = e.first().is_some_and(|first| *first != 0) && e != [1];
        if !is_full || !fits || !has_exponent {
            return Err(JoseError::InvalidKey);
        }

        let parsed = |parameters| {
            PublicKeyComponents { n, e }
                .to_parsed_public_key(parameters)
                .map_err(|_| JoseError::InvalidKey)
        };

        Ok(Self {
            json: json!({ "e": encode(e), "kty": "RSA", "n": encode(n) }).to_string(),
            verifiers: vec![
                ("RS256", parsed(&RSA_PKCS1_2048_8192_SHA256)?),
                ("PS256", parsed(&RSA_PSS_2048_8192_SHA256)?),
            ],
        })
    }

    fn ed25519(x: &[u8]) -> Result<Self, JoseError> {
        let parsed = || ParsedPublicKey::new(&ED25519, x).map_err(|_| JoseError::InvalidKey);

        Ok(Self {
            json: json!({ "crv": "Ed25519", "kty": "OKP", "x": encode(x) }).to_string(),
            // The second name is that of RFC 9864.
            verifiers: vec![("EdDSA", parsed()?), ("Ed25519", parsed()?)],
        })
    }

    /// Verifies a signature that names `algorithm`.
    pub(super) fn verify(
        &self,
        algorithm: &str,
        signed: &[u8],
        signature: &[u8],
    ) -> Result<(), JoseError> {
        let verifier = self.verifiers.iter().find(|(name, _)| *name == algorithm);
        let (_, verifier) = verifier.ok_or(JoseError::Algorithm)?;

        verifier
            .verify_sig(signed, signature)
            .map_err(|_| JoseError::Verification)
    }
}

impl TryFrom<PublicJwk> for ClientKey {
    type Error = JoseError;

    fn try_from(key: PublicJwk) -> Result<Self, JoseError> {
        let parsed = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.point())
            .map_err(|_| JoseError::InvalidKey)?;

        Ok(Self {
            json: key.to_json(),
            verifiers: vec![("ES256", parsed)],
        })
    }
}

impl fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientKey({})", self.json)
    }
}

fn octets(member: Option<String>) -> Result<Vec<u8>, JoseError> {
    decode(&member.ok_or(JoseError::InvalidKey)?).map_err(|_| JoseError::InvalidKey)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037 appendix A.
    const ED25519_JWK: &str =
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    const ED25519_SIGNED: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    const ED25519_SIGNATURE: &str =
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

    #[test]
    fn the_example_of_rfc_8037_verifies() {
        let key = ClientKey::from_json(ED25519_JWK).unwrap();
        let verify = |algorithm, signed: &str| {
            key.verify(
                algorithm,
                signed.as_bytes(),
                &decode(ED25519_SIGNATURE).unwrap(),
            )
        };

        assert_eq!(verify("EdDSA", ED25519_SIGNED), Ok(()));
        assert_eq!(verify("EdDSA", "other"), Err(JoseError::Verification));
        for algorithm in ["ES256", "RS256", "none", "eddsa", ""] {
            let verdict = verify(algorithm, ED25519_SIGNED);
            assert_eq!(verdict, Err(JoseError::Algorithm), "{algorithm}");
        }
    }

    #[test]
    fn a_key_reads_back_as_itself() {
        for json in [
            ED25519_JWK.to_owned(),
            rsa(&[0xff; 256], "AQAB"),
            rsa(&[0xff; 512], "Aw"),
        ] {
            let key = ClientKey::from_json(&json).unwrap();
            let again = ClientKey::from_json(key.to_json()).unwrap();
            assert_eq!(again.to_json(), key.to_json());
        }
    }

    fn rsa(n: &[u8], e: &str) -> String {
        format!(r#"{{"kty":"RSA","n":"{}","e":"{e}"}}"#, encode(n))
    }

    #[test]
    fn weak_private_and_foreign_keys_are_refused() {
        let mut short = [0xff; 256];
        short[0] = 0;

        for json in [
            rsa(&[0xff; 128], "AQAB"),
            rsa(&short, "AQAB"),
            rsa(&[0xff; 1025], "AQAB"),
            rsa(&[0xff; 256], "AQ"),
            rsa(&[0xff; 256], ""),
            rsa(&[0xff; 256], "AAEAAQ"),
            rsa(&[], "AQAB"),
            ED25519_JWK.replace("HURo", "HUR"),
            ED25519_JWK.replace("Ed25519", "Ed448"),
            ED25519_JWK.replace(
                '}',
                r#","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}"#,
            ),
            r#"{"kty":"oct","k":"AAAA"}"#.to_owned(),
            r#"{"kty":"RSA"}"#.to_owned(),
            "[]".to_owned(),
            String::new(),
        ] {
            assert!(ClientKey::from_json(&json).is_err(), "{json}");
        }
    }
}
