//! P-256 keys as JWKs (RFC 7517, RFC 7518 §6.2).

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, ParsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::ecdh::{AgreementKey, COORDINATE_BYTES, POINT_BYTES, draw};
use super::error::JoseError;
use crate::random::Random;
use crate::secret::SecretString;

/// A public P-256 key. Its point is known to be on the curve.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "JwkMembers", into = "JwkMembers")]
pub struct PublicJwk([u8; POINT_BYTES]);

/// The members that matter. Others are ignored, as RFC 7517 §4 requires.
#[derive(Serialize, Deserialize)]
struct JwkMembers {
    crv: String,
    kty: String,
    x: String,
    y: String,
    #[serde(default, skip_serializing)]
    d: Option<IgnoredAny>,
}

impl PublicJwk {
    /// Reads a JWK in JSON. One that contains the private key is refused, because that key is no
    /// longer secret.
    pub fn from_json(json: &str) -> Result<Self, JoseError> {
        serde_json::from_str(json).map_err(|_| JoseError::InvalidKey)
    }

    /// The canonical JWK of RFC 7638 §3, with required members only. Equal keys give equal texts.
    #[must_use]
    pub fn to_json(&self) -> String {
        let JwkMembers { crv, kty, x, y, .. } = (*self).into();
        format!(r#"{{"crv":"{crv}","kty":"{kty}","x":"{x}","y":"{y}"}}"#)
    }

    /// The key's SHA-256 thumbprint (RFC 7638), base64url.
    #[must_use]
    pub fn thumbprint(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, self.to_json().as_bytes()))
    }

    /// The public key of a pair.
    pub(super) fn of_pair(pair: &AgreementKey) -> Self {
        Self(pair.public())
    }

    fn from_point(point: [u8; POINT_BYTES]) -> Result<Self, JoseError> {
        // Checks that the point is on the curve: with others, a key agreement gives the private key
        // away bit by bit.
        ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).map_err(|_| JoseError::InvalidKey)?;
        Ok(Self(point))
    }

    /// Reads an uncompressed point.
    pub(super) fn from_sec1(bytes: &[u8]) -> Result<Self, JoseError> {
        Self::from_point(bytes.try_into().map_err(|_| JoseError::InvalidKey)?)
    }

    /// The uncompressed point.
    pub(super) fn point(&self) -> &[u8; POINT_BYTES] {
        &self.0
    }
}

impl fmt::Debug for PublicJwk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicJwk({})", self.thumbprint())
    }
}

impl TryFrom<JwkMembers> for PublicJwk {
    type Error = JoseError;

    fn try_from(members: JwkMembers) -> Result<Self, JoseError> {
        // A private key that was sent to somebody is not private any more, so that nobody should
        // rely on it.
        if members.kty != "EC" || members.crv != "P-256" || members.d.is_some() {
            return Err(JoseError::InvalidKey);
        }

        let mut point = [4; POINT_BYTES];
        let (x, y) = point.split_at_mut(1 + COORDINATE_BYTES);
        for (text, bytes) in [(&members.x, x.split_at_mut(1).1), (&members.y, y)] {
            bytes.copy_from_slice(coordinate(text)?.as_ref());
        }

        Self::from_point(point)
    }
}

impl From<PublicJwk> for JwkMembers {
    fn from(key: PublicJwk) -> Self {
        let (_, coordinates) = key.0.split_at(1);
        let (x, y) = coordinates.split_at(COORDINATE_BYTES);

        Self {
            crv: "P-256".to_owned(),
            kty: "EC".to_owned(),
            x: URL_SAFE_NO_PAD.encode(x),
            y: URL_SAFE_NO_PAD.encode(y),
            d: None,
        }
    }
}

/// A coordinate has exactly 32 bytes, including leading zeros (RFC 7518 §6.2.1.2).
fn coordinate(text: &str) -> Result<Zeroizing<[u8; COORDINATE_BYTES]>, JoseError> {
    let bytes = Zeroizing::new(
        URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|_| JoseError::InvalidKey)?,
    );

    bytes
        .as_slice()
        .try_into()
        .map(Zeroizing::new)
        .map_err(|_| JoseError::InvalidKey)
}

/// A P-256 key pair, as phones have.
#[derive(Clone)]
pub struct PrivateJwk {
    scalar: Zeroizing<[u8; COORDINATE_BYTES]>,
    public: PublicJwk,
    signer: Arc<EcdsaKeyPair>,
}

impl PrivateJwk {
    pub fn generate(random: &dyn Random) -> Result<Self, JoseError> {
        draw(random, Self::from_scalar)
    }

    /// The key pair with these bytes as its private key, which must be impossible to guess. One in
    /// 2^32 is not a private key.
    pub fn from_bytes(bytes: [u8; COORDINATE_BYTES]) -> Result<Self, JoseError> {
        Self::from_scalar(Zeroizing::new(bytes))
    }

    /// Reads a JWK with its private key, as [`PrivateJwk::to_json`] writes it.
    pub fn from_json(json: &str) -> Result<Self, JoseError> {
        #[derive(Deserialize)]
        struct Members {
            crv: String,
            kty: String,
            x: String,
            y: String,
            d: SecretString,
        }

        let Members { crv, kty, x, y, d } =
            serde_json::from_str(json).map_err(|_| JoseError::InvalidKey)?;
        let key = Self::from_scalar(coordinate(d.expose())?)?;

        let public = PublicJwk::try_from(JwkMembers {
            crv,
            kty,
            x,
            y,
            d: None,
        })?;

        // A pair that does not fit would sign what nobody can verify.
        if key.public == public {
            Ok(key)
        } else {
            Err(JoseError::InvalidKey)
        }
    }

    /// The JWK with its private key, for the owner to store.
    #[must_use]
    pub fn to_json(&self) -> Zeroizing<String> {
        let JwkMembers { crv, kty, x, y, .. } = self.public.into();
        let d = Zeroizing::new(URL_SAFE_NO_PAD.encode(self.scalar.as_ref()));
        Zeroizing::new(format!(
            r#"{{"crv":"{crv}","d":"{}","kty":"{kty}","x":"{x}","y":"{y}"}}"#,
            *d
        ))
    }

    #[must_use]
    pub fn public(&self) -> &PublicJwk {
        &self.public
    }

    /// The key pair, ready for signing.
    pub(super) fn pair(&self) -> Arc<EcdsaKeyPair> {
        Arc::clone(&self.signer)
    }

    /// An `ES256` signature: r and s, 32 bytes each (RFC 7518 §3.4).
    pub(super) fn sign(&self, message: &[u8]) -> Result<impl AsRef<[u8]> + use<>, JoseError> {
        // AWS-LC uses its own random generator for nonces and ignores this one.
        self.signer
            .sign(&SystemRandom::new(), message)
            .map_err(|_| JoseError::Cryptography)
    }

    /// The same key pair, for agreeing on secrets.
    pub(super) fn for_agreement(&self) -> Result<AgreementKey, JoseError> {
        AgreementKey::from_scalar(&self.scalar)
    }

    fn from_scalar(scalar: Zeroizing<[u8; COORDINATE_BYTES]>) -> Result<Self, JoseError> {
        let public = PublicJwk::of_pair(&AgreementKey::from_scalar(&scalar)?);

        let signer = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            scalar.as_ref(),
            public.point(),
        )
        .map_err(|_| JoseError::InvalidKey)?;

        Ok(Self {
            scalar,
            public,
            signer: Arc::new(signer),
        })
    }
}

impl fmt::Debug for PrivateJwk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateJwk({})", self.public.thumbprint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    const X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    const Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";

    #[test]
    fn a_public_key_reads_back_as_itself_whatever_else_stands_beside_it() {
        let json =
            format!(r#"{{"kty":"EC","use":"sig","crv":"P-256","x":"{X}","y":"{Y}","kid":"1"}}"#);
        let key = PublicJwk::from_json(&json).unwrap();
        assert_eq!(PublicJwk::from_json(&key.to_json()), Ok(key));
        assert_eq!(serde_json::to_string(&key).unwrap(), key.to_json());

        assert_eq!(
            key.thumbprint(),
            "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"
        );
    }

    #[test]
    fn only_points_on_the_curve_are_accepted() {
        let jwk = |kty: &str, crv: &str, x: &str, y: &str, more: &str| {
            format!(r#"{{"kty":"{kty}","crv":"{crv}","x":"{x}","y":"{y}"{more}}}"#)
        };

        let zero = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

        let refused = [
            jwk("RSA", "P-256", X, Y, ""),
            jwk("EC", "P-384", X, Y, ""),
            jwk("EC", "P-256", X, X, ""),
            jwk("EC", "P-256", zero, zero, ""),
            jwk("EC", "P-256", X, &format!("{Y}="), ""),
            jwk("EC", "P-256", X, Y.split_at(42).0, ""),
            jwk("EC", "P-256", X, "", ""),
            jwk(
                "EC",
                "P-256",
                X,
                Y,
                r#","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI""#,
            ),
            jwk("EC", "P-256", X, Y, &format!(r#","x":"{X}""#)),
            format!(r#"{{"kty":"EC","crv":"P-256","x":"{X}"}}"#),
            r#"{"kty":"oct","k":"AAAA"}"#.to_owned(),
            "[]".to_owned(),
            String::new(),
        ];

        for json in refused {
            assert_eq!(
                PublicJwk::from_json(&json),
                Err(JoseError::InvalidKey),
                "{json}"
            );
        }
    }

    #[test]
    fn a_private_key_survives_a_round_trip_and_is_not_printed() {
        let key = PrivateJwk::generate(&SystemRandom).unwrap();
        let again = PrivateJwk::from_json(&key.to_json()).unwrap();
        assert_eq!(again.public(), key.public());

        let other = PrivateJwk::generate(&SystemRandom).unwrap();
        let mixed = key.to_json().replace(
            &JwkMembers::from(key.public).x,
            &JwkMembers::from(other.public).x,
        );
        assert!(PrivateJwk::from_json(&mixed).is_err());
        assert!(!format!("{key:?}").contains(&URL_SAFE_NO_PAD.encode(key.scalar.as_ref())));
    }
}
