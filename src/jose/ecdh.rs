//! Key agreement on P-256 (RFC 7518 §4.6): what messages are encrypted with.

use aws_lc_rs::agreement::{self, ECDH_P256};
use zeroize::Zeroizing;

use super::error::JoseError;
use crate::random::{self, Random};

pub(super) const COORDINATE_BYTES: usize = 32;
/// An uncompressed point (SEC 1 §2.3.3): 4, x, y.
pub(super) const POINT_BYTES: usize = 1 + 2 * COORDINATE_BYTES;

/// A key pair that agrees with others on secrets, and cannot sign: signing would cost a
/// multiplication more to prepare.
pub(super) struct AgreementKey {
    private: agreement::PrivateKey,
    public: [u8; POINT_BYTES],
}

impl AgreementKey {
    /// A key for one message.
    pub(super) fn generate(random: &dyn Random) -> Result<Self, JoseError> {
        draw(random, |scalar| Self::from_scalar(&scalar))
    }

    /// The key pair of this private key.
    pub(super) fn from_scalar(scalar: &[u8; COORDINATE_BYTES]) -> Result<Self, JoseError> {
        let private = agreement::PrivateKey::from_private_key(&ECDH_P256, scalar)
            .map_err(|_| JoseError::InvalidKey)?;
        let public = private
            .compute_public_key()
            .map_err(|_| JoseError::InvalidKey)?;

        Ok(Self {
            public: public
                .as_ref()
                .try_into()
                .map_err(|_| JoseError::InvalidKey)?,
            private,
        })
    }

    /// The point of the public key.
    pub(super) fn public(&self) -> [u8; POINT_BYTES] {
        self.public
    }

    /// The secret that both keys share: the x coordinate of their product. `peer` is the other's
    /// public point.
    pub(super) fn agree(
        &self,
        peer: &[u8; POINT_BYTES],
    ) -> Result<Zeroizing<[u8; COORDINATE_BYTES]>, JoseError> {
        let peer = agreement::UnparsedPublicKey::new(&ECDH_P256, peer);
        agreement::agree(&self.private, peer, JoseError::Cryptography, |shared| {
            shared
                .try_into()
                .map(Zeroizing::new)
                .map_err(|_| JoseError::Cryptography)
        })
    }
}

/// Draws private keys until `make` takes one. Only one in 2^32 random numbers is none.
pub(super) fn draw<T>(
    random: &dyn Random,
    make: impl Fn(Zeroizing<[u8; COORDINATE_BYTES]>) -> Result<T, JoseError>,
) -> Result<T, JoseError> {
    const TRIES_MAX: usize = 8;

    (0..TRIES_MAX)
        .find_map(|_| make(Zeroizing::new(random::bytes(random))).ok())
        .ok_or(JoseError::Cryptography)
}
