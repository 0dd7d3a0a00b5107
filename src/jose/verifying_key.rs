//! The server's own public keys, which `/oauth/keys` publishes.

use std::fmt;

use aws_lc_rs::digest;
use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use serde::Deserialize;
use serde_json::{Value, json};

use super::algorithm::SigningAlgorithm;
use super::compact::{decode, encode};
use super::error::JoseError;
use super::jwk::PublicJwk;

/// The length of the modulus of all RSA keys, in bytes.
const MODULUS_BYTES: usize = 256;
/// The public exponent of all RSA keys: 65537.
const EXPONENT: [u8; 3] = [1, 0, 1];
/// The members of a JWK that are private, for RSA (RFC 7518 §6.3.2) and for EC (`d`).
const PRIVATE_MEMBERS: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "oth"];

/// One of the server's public keys. Cheap to clone.
#[derive(Clone)]
pub struct VerifyingKey {
    parameters: Parameters,
    parsed: ParsedPublicKey,
    kid: String,
}

#[derive(Clone)]
enum Parameters {
    Ec(PublicJwk),
    Rsa { n: String },
}

impl VerifyingKey {
    /// Reads a JWK that [`VerifyingKey::public_jwk`] wrote. One that contains the private key is
    /// refused.
    pub fn from_jwk(jwk: &Value) -> Result<Self, JoseError> {
        if PRIVATE_MEMBERS.iter().any(|name| jwk.get(name).is_some()) {
            return Err(JoseError::InvalidSigningKey);
        }

        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let key = match (text("kty"), text("n"), text("e")) {
            (Some("EC"), _, _) => {
                Self::ec(PublicJwk::deserialize(jwk).map_err(|_| JoseError::InvalidSigningKey)?)
            }
            (Some("RSA"), Some(n), Some(e)) => {
                let decode = |part: &str| decode(part).map_err(|_| JoseError::InvalidSigningKey);
                Self::rsa(&decode(n)?, &decode(e)?)
            }
            _ => Err(JoseError::InvalidSigningKey),
        }?;

        let agrees = |name: &str, value: &str| jwk.get(name).is_none_or(|found| found == value);

        if agrees("alg", key.algorithm().as_str())
            && agrees("use", "sig")
            && agrees("kid", &key.kid)
        {
            Ok(key)
        } else {
            Err(JoseError::InvalidSigningKey)
        }
    }

    pub(super) fn ec(public: PublicJwk) -> Result<Self, JoseError> {
        let parsed = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public.point())
            .map_err(|_| JoseError::InvalidSigningKey)?;
        Ok(Self {
            parameters: Parameters::Ec(public),
            parsed,
            kid: public.thumbprint(),
        })
    }

    /// A key of 2048 bits with the exponent 65537. Both numbers are big-endian without leading
    /// zeros.
    pub(super) fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, JoseError> {
        // A modulus with a leading zero bit is shorter than it looks, an even one has 2 as a
        // factor.
        let is_full = modulus.first().is_some_and(|first| first & 0x80 != 0);
        let is_odd = modulus.last().is_some_and(|last| last & 1 != 0);
        if modulus.len() != MODULUS_BYTES || !is_full || !is_odd || exponent != EXPONENT {
            return Err(JoseError::InvalidSigningKey);
        }

        let parsed = PublicKeyComponents {
            n: modulus,
            e: exponent,
        }
        .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
        .map_err(|_| JoseError::InvalidSigningKey)?;

        let n = encode(modulus);
        let canonical = format!(r#"{{"e":"{}","kty":"RSA","n":"{n}"}}"#, encode(EXPONENT));
        let kid = encode(digest::digest(&digest::SHA256, canonical.as_bytes()));

        Ok(Self {
            parameters: Parameters::Rsa { n },
            parsed,
            kid,
        })
    }

    #[must_use]
    pub const fn algorithm(&self) -> SigningAlgorithm {
        match self.parameters {
            Parameters::Ec(_) => SigningAlgorithm::Es256,
            Parameters::Rsa { .. } => SigningAlgorithm::Rs256,
        }
    }

    /// The key's id: its SHA-256 thumbprint (RFC 7638), base64url, 43 characters.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The key as published: `kty`, its parameters, `kid`, `alg` and `use`.
    #[must_use]
    pub fn public_jwk(&self) -> Value {
        let mut jwk = match &self.parameters {
            Parameters::Ec(public) => json!(public),
            Parameters::Rsa { n } => json!({ "kty": "RSA", "n": n, "e": encode(EXPONENT) }),
        };

        if let Some(members) = jwk.as_object_mut() {
            members.insert("kid".to_owned(), json!(self.kid));
            members.insert("alg".to_owned(), json!(self.algorithm()));
            members.insert("use".to_owned(), json!("sig"));
        }

        jwk
    }

    pub(super) fn verify(&self, signed: &[u8], signature: &[u8]) -> Result<(), JoseError> {
        self.parsed
            .verify_sig(signed, signature)
            .map_err(|_| JoseError::Verification)
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({})", self.kid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7638 §3.1.
    const N: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCi\
        FV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHz\
        u6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJz\
        KnqDKgw";
    const KID: &str = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
    const X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    const Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";

    #[test]
    fn the_example_of_rfc_7638_has_its_thumbprint() {
        let key =
            VerifyingKey::from_jwk(&json!({ "kty": "RSA", "n": N, "e": "AQAB", "alg": "RS256" }))
                .unwrap();
        assert_eq!((key.kid(), key.algorithm()), (KID, SigningAlgorithm::Rs256));

        let jwk =
            json!({ "kty": "RSA", "n": N, "e": "AQAB", "alg": "RS256", "use": "sig", "kid": KID });
        assert_eq!(key.public_jwk(), jwk);
        assert_eq!(VerifyingKey::from_jwk(&jwk).unwrap().public_jwk(), jwk);
        assert_eq!(format!("{key:?}"), format!("VerifyingKey({KID})"));
    }

    #[test]
    fn a_p256_key_survives_a_round_trip() {
        let key = VerifyingKey::from_jwk(&json!({ "kty": "EC", "crv": "P-256", "x": X, "y": Y }))
            .unwrap();
        let kid = "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U";
        let jwk = json!({ "kty": "EC", "crv": "P-256", "x": X, "y": Y, "alg": "ES256", "use": "sig", "kid": kid });
        assert_eq!((key.kid(), key.public_jwk()), (kid, jwk.clone()));
        assert_eq!(VerifyingKey::from_jwk(&jwk).unwrap().kid(), kid);
    }

    #[test]
    fn other_keys_are_refused() {
        let rsa = json!({ "kty": "RSA", "n": N, "e": "AQAB" });
        let with = |name: &str, value: Value| {
            let mut jwk = rsa.clone();
            jwk[name] = value;
            jwk
        };

        let even = encode([&[0x80][..], &[0; 255]].concat());

        for jwk in [
            json!(null),
            json!([]),
            json!({ "kty": "oct", "k": N }),
            json!({ "kty": "RSA", "n": N }),
            json!({ "kty": "EC", "crv": "P-384", "x": X, "y": Y }),
            json!({ "kty": "EC", "crv": "P-256", "x": X, "y": X }),
            json!({ "kty": "EC", "crv": "P-256", "x": X, "y": Y, "alg": "RS256" }),
            json!({ "kty": "EC", "crv": "P-256", "x": X, "y": Y, "d": X }),
            with("e", json!("Aw")),
            with("e", json!("AAEAAQ")),
            with("n", json!(encode([0xff; 128]))),
            with("n", json!(encode([0xff; 512]))),
            with("n", json!(format!("AA{N}"))),
            with("n", json!(even)),
            with("n", json!(format!("{N}="))),
            with("alg", json!("PS256")),
            with("alg", json!("ES256")),
            with("alg", json!(null)),
            with("use", json!("enc")),
            with("kid", json!("1")),
            with("d", json!(N)),
            with("p", json!("AQ")),
        ] {
            assert_eq!(
                VerifyingKey::from_jwk(&jwk).err(),
                Some(JoseError::InvalidSigningKey),
                "{jwk}"
            );
        }
    }
}
