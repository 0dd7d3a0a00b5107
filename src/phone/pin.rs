//! Derives the PIN's key from the PIN and a random salt.
//!
//! A wrong PIN derives another key, and the phone cannot detect that, because it stores neither key.
//! An attacker with the phone's file has to try PINs at the server, which counts attempts.

use std::num::NonZeroU32;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::error::PhoneError;
use crate::jose::{JoseError, PrivateJwk};
use crate::random::{self, Random};
use crate::secret::{SecretString, stretch};

/// OWASP's recommendation for PBKDF2 with HMAC-SHA-256. Debug builds use less, because they are slow
/// and protect nobody.
const ITERATIONS: NonZeroU32 = match NonZeroU32::new(if cfg!(debug_assertions) {
    1000
} else {
    600_000
}) {
    Some(iterations) => iterations,
    None => NonZeroU32::MIN,
};
/// Only one in 2^32 derived numbers is not a private key.
const TRIES_MAX: u8 = 8;

/// The salt of a PIN's key. It never leaves the phone.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct PinSalt {
    salt: String,
    iterations: NonZeroU32,
}

impl PinSalt {
    pub(super) fn new(random: &dyn Random) -> Self {
        Self {
            salt: URL_SAFE_NO_PAD.encode(random::bytes::<32>(random)),
            iterations: ITERATIONS,
        }
    }

    /// The key of this PIN. The derivation is slow on purpose, so it runs on a blocking thread.
    pub(super) async fn key(&self, pin: &str) -> Result<PrivateJwk, PhoneError> {
        let (own, pin) = (self.clone(), SecretString::new(pin.to_owned()));
        let derived = tokio::task::spawn_blocking(move || own.derive(&pin)).await;
        derived
            .unwrap_or(Err(JoseError::Cryptography))
            .map_err(PhoneError::Cryptography)
    }

    fn derive(&self, pin: &SecretString) -> Result<PrivateJwk, JoseError> {
        let key = |counter: u8| {
            let salt = [self.salt.as_bytes(), &[counter]].concat();
            PrivateJwk::from_bytes(*stretch(pin.expose().as_bytes(), &salt, self.iterations)).ok()
        };
        (0..TRIES_MAX).find_map(key).ok_or(JoseError::Cryptography)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    #[tokio::test]
    async fn the_same_pin_and_salt_derive_the_same_key() {
        let (salt, other_salt) = (PinSalt::new(&SystemRandom), PinSalt::new(&SystemRandom));
        let read: PinSalt = serde_json::from_str(&serde_json::to_string(&salt).unwrap()).unwrap();
        let key = salt.key("1234").await.unwrap();
        assert_eq!(read.key("1234").await.unwrap().public(), key.public());

        for other in [
            salt.key("1235").await,
            salt.key("").await,
            other_salt.key("1234").await,
        ] {
            assert_ne!(other.unwrap().public(), key.public());
        }
    }

    #[tokio::test]
    async fn the_derivation_does_not_change() {
        // python3 -c 'import hashlib; print(hashlib.pbkdf2_hmac("sha256", b"1234", b"salt\0",
        // 1000).hex())'
        let salt = PinSalt {
            salt: "salt".to_owned(),
            iterations: NonZeroU32::new(1000).unwrap(),
        };
        let scalar = stretch(b"1234", b"salt\0", salt.iterations);
        assert_eq!(
            scalar
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>(),
            "a8cc1c41f22cc05720f8c66b52ed14307fcdea619b3a48bddc19fb2d8110024b"
        );

        let key = salt.key("1234").await.unwrap();
        assert_eq!(
            key.public(),
            PrivateJwk::from_bytes(*scalar).unwrap().public()
        );
    }
}
