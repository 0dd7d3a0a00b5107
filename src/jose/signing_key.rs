//! The server's own private keys, which sign access tokens and ID tokens.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256,
};
use serde::Serialize;
use serde_json::Value;
use zeroize::Zeroizing;

use super::algorithm::SigningAlgorithm;
use super::error::JoseError;
use super::jwk::{PrivateJwk, PublicJwk};
use super::jws;
use super::verifying_key::VerifyingKey;
use crate::random::Random;

/// A private key of the server, already parsed. Cheap to clone.
#[derive(Clone)]
pub struct SigningKey {
    pair: KeyPair,
    verifying: VerifyingKey,
}

#[derive(Clone)]
enum KeyPair {
    Es256(Arc<EcdsaKeyPair>),
    Rs256(Arc<rsa::KeyPair>),
}

#[derive(Serialize)]
struct Header<'a> {
    alg: SigningAlgorithm,
    typ: &'a str,
    kid: &'a str,
}

impl SigningKey {
    /// Generates a key. An RSA key takes up to a second of CPU time, so do not call this on an
    /// arbiter. Its randomness comes from AWS-LC instead of `random`.
    pub fn generate(algorithm: SigningAlgorithm, random: &dyn Random) -> Result<Self, JoseError> {
        match algorithm {
            SigningAlgorithm::Es256 => {
                let key = PrivateJwk::generate(random)?;
                Ok(Self {
                    pair: KeyPair::Es256(key.pair()),
                    verifying: VerifyingKey::ec(*key.public())?,
                })
            }
            SigningAlgorithm::Rs256 => {
                let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048)
                    .map_err(|_| JoseError::Cryptography)?;
                Self::from_rsa(pair)
            }
        }
    }

    /// Reads what [`SigningKey::to_pkcs8`] wrote.
    pub fn from_pkcs8(algorithm: SigningAlgorithm, der: &[u8]) -> Result<Self, JoseError> {
        let invalid = |_| JoseError::InvalidSigningKey;
        match algorithm {
            SigningAlgorithm::Es256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der)
                    .map_err(invalid)?;
                let public = PublicJwk::from_sec1(pair.public_key().as_ref())?;
                Ok(Self {
                    pair: KeyPair::Es256(Arc::new(pair)),
                    verifying: VerifyingKey::ec(public)?,
                })
            }
            SigningAlgorithm::Rs256 => {
                Self::from_rsa(rsa::KeyPair::from_pkcs8(der).map_err(invalid)?)
            }
        }
    }

    /// The key in PKCS#8 DER (RFC 5208). It is not encrypted: seal it before storing it.
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, JoseError> {
        let failed = |_| JoseError::Cryptography;
        Ok(Zeroizing::new(match &self.pair {
            KeyPair::Es256(pair) => pair.to_pkcs8v1().map_err(failed)?.as_ref().to_vec(),
            KeyPair::Rs256(pair) => {
                let der: Pkcs8V1Der<'_> = pair.as_der().map_err(failed)?;
                der.as_ref().to_vec()
            }
        }))
    }

    #[must_use]
    pub const fn algorithm(&self) -> SigningAlgorithm {
        self.verifying.algorithm()
    }

    /// The key's id: the SHA-256 thumbprint of the public key (RFC 7638), base64url, 43 characters.
    #[must_use]
    pub fn kid(&self) -> &str {
        self.verifying.kid()
    }

    /// The public key as published.
    #[must_use]
    pub fn public_jwk(&self) -> Value {
        self.verifying.public_jwk()
    }

    #[must_use]
    pub const fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// Signs `claims`, which must be an object. The header has `alg`, `typ` and `kid`.
    ///
    /// # Errors
    ///
    /// A JWS longer than [`jws::COMPACT_BYTES_MAX`] is refused, because the server itself would not
    /// accept it.
    pub fn sign(&self, typ: &str, claims: &impl Serialize) -> Result<String, JoseError> {
        let header = Header {
            alg: self.algorithm(),
            typ,
            kid: self.kid(),
        };

        let header = serde_json::to_vec(&header).map_err(|_| JoseError::Cryptography)?;
        let payload = serde_json::to_vec(claims).map_err(|_| JoseError::Cryptography)?;
        let compact = jws::assemble(&header, &payload, |signed| self.signature(signed))?;

        if compact.len() > jws::COMPACT_BYTES_MAX {
            Err(JoseError::TooLong)
        } else {
            Ok(compact)
        }
    }

    pub(super) fn signature(&self, message: &[u8]) -> Result<Vec<u8>, JoseError> {
        // AWS-LC uses its own random generator for nonces and blinding and ignores this one.
        let random = SystemRandom::new();
        match &self.pair {
            KeyPair::Es256(pair) => {
                let signature = pair
                    .sign(&random, message)
                    .map_err(|_| JoseError::Cryptography)?;
                Ok(signature.as_ref().to_vec())
            }
            KeyPair::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .map_err(|_| JoseError::Cryptography)?;
                Ok(signature)
            }
        }
    }

    fn from_rsa(pair: rsa::KeyPair) -> Result<Self, JoseError> {
        let public = pair.public_key();
        let (modulus, exponent) = (public.modulus(), public.exponent());
        let verifying = VerifyingKey::rsa(
            modulus.big_endian_without_leading_zero(),
            exponent.big_endian_without_leading_zero(),
        )?;

        Ok(Self {
            pair: KeyPair::Rs256(Arc::new(pair)),
            verifying,
        })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey")
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::jwk::Jwk;
    use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
    use serde_json::json;

    use super::*;
    use crate::random::SystemRandom;

    fn key(algorithm: SigningAlgorithm) -> SigningKey {
        SigningKey::generate(algorithm, &SystemRandom).unwrap()
    }

    #[test]
    fn another_library_verifies_what_is_signed_with_what_is_published() {
        for (algorithm, theirs) in [
            (SigningAlgorithm::Es256, Algorithm::ES256),
            (SigningAlgorithm::Rs256, Algorithm::RS256),
        ] {
            let key = key(algorithm);
            let claims = json!({ "sub": "alice", "exp": 4_000_000_000_u64 });
            let jwt = key.sign("at+jwt", &claims).unwrap();
            let header = decode_header(&jwt).unwrap();
            assert_eq!(
                (header.alg, header.typ.as_deref(), header.kid.as_deref()),
                (theirs, Some("at+jwt"), Some(key.kid()))
            );

            let jwk: Jwk = serde_json::from_value(key.public_jwk()).unwrap();
            let public = DecodingKey::from_jwk(&jwk).unwrap();
            let verified = decode::<Value>(&jwt, &public, &Validation::new(theirs)).unwrap();
            assert_eq!(verified.claims, claims);
        }
    }

    #[test]
    fn a_key_survives_a_round_trip() {
        for algorithm in SigningAlgorithm::ALL {
            let key = key(algorithm);
            let der = key.to_pkcs8().unwrap();
            let again = SigningKey::from_pkcs8(algorithm, &der).unwrap();
            assert_eq!((again.algorithm(), again.kid()), (algorithm, key.kid()));
            assert_eq!(again.public_jwk(), key.public_jwk());

            assert_eq!(
                VerifyingKey::from_jwk(&key.public_jwk()).unwrap().kid(),
                key.kid()
            );

            assert_eq!(key.kid().len(), 43);

            for other in SigningAlgorithm::ALL
                .into_iter()
                .filter(|other| *other != algorithm)
            {
                assert_eq!(
                    SigningKey::from_pkcs8(other, &der).err(),
                    Some(JoseError::InvalidSigningKey)
                );
            }

            let cut = der.split_at(der.len() - 1).0;
            assert_eq!(
                SigningKey::from_pkcs8(algorithm, cut).err(),
                Some(JoseError::InvalidSigningKey)
            );
        }
    }

    #[test]
    fn only_keys_of_the_usual_size_are_accepted() {
        let long = rsa::KeyPair::generate(rsa::KeySize::Rsa3072).unwrap();
        let der: Pkcs8V1Der<'_> = long.as_der().unwrap();
        let refused = SigningKey::from_pkcs8(SigningAlgorithm::Rs256, der.as_ref());
        assert_eq!(refused.err(), Some(JoseError::InvalidSigningKey));
        assert!(SigningKey::from_pkcs8(SigningAlgorithm::Es256, &[]).is_err());
    }

    #[test]
    fn keys_are_not_printed_and_tokens_are_bounded() {
        let key = key(SigningAlgorithm::Es256);
        assert_eq!(format!("{key:?}"), "SigningKey");
        let claims = json!({ "scope": "x".repeat(jws::COMPACT_BYTES_MAX) });
        assert_eq!(key.sign("at+jwt", &claims), Err(JoseError::TooLong));
    }
}
