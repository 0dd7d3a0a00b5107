//! The key that a PIN is worth on this phone: stretched from the PIN and a random salt.
//!
//! A wrong PIN gives another key, and the phone cannot know: neither the key nor its public part is
//! kept. Whoever has the phone's file has to try PINs at the server, which counts.

use std::num::NonZeroU32;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::error::PhoneError;
use crate::jose::{JoseError, PrivateJwk};
use crate::random::{self, Random};
use crate::secret::{SecretString, stretch};

/// As OWASP recommends for PBKDF2 with HMAC-SHA-256. Without optimisation it would be felt, and
/// nothing real is protected.
const ITERATIONS: NonZeroU32 = match NonZeroU32::new(if cfg!(debug_assertions) {
    1000
} else {
    600_000
}) {
    Some(iterations) => iterations,
    None => NonZeroU32::MIN,
};
/// All but one of 2^32 derived texts are a private key.
const TRIES_MAX: u8 = 8;

/// What a PIN's key is derived with. It never leaves the phone.
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

    /// The key of this PIN. Takes its time on purpose, on a thread for that.
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
    async fn a_pin_and_a_salt_make_one_key() {
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
    async fn a_key_is_derived_as_ever() {
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
