//! The keys derived from the master key.

#![expect(
    clippy::indexing_slicing,
    reason = "all slices have constant lengths that fit"
)]

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::{Zeroize, Zeroizing};

use super::text::SecretString;
use crate::random::{self, Random};

/// What a derived key is for. Keys for different purposes are independent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Seals the secrets that administrators configure: provider credentials, callback passwords.
    Settings,
    /// Seals a transaction's messages and phone number.
    TransactionContent,
    /// Seals the push address of a device.
    PushAddress,
    /// Derives the six digits of a text message.
    SmsCode,
    /// Derives the one-time password of an OTP transaction.
    Otp,
    /// Hashes tokens, authorization codes, challenges.
    Token,
    /// Derives refresh tokens.
    RefreshToken,
    /// Seals the response that is stored for repetitions of a request with the same
    /// `Idempotency-Key`.
    IdempotentAnswer,
    /// Hashes the bodies and keys of idempotent requests.
    IdempotencyKey,
    /// Seals signing keys.
    SigningKey,
    /// Seals what is known of a log-in under way: what the login page says of the user, what an
    /// appliance shows.
    LogIn,
}

impl Purpose {
    const ALL: [Self; 11] = [
        Self::Settings,
        Self::TransactionContent,
        Self::PushAddress,
        Self::SmsCode,
        Self::Otp,
        Self::Token,
        Self::RefreshToken,
        Self::IdempotentAnswer,
        Self::IdempotencyKey,
        Self::SigningKey,
        Self::LogIn,
    ];

    const fn label(self) -> &'static [u8] {
        match self {
            Self::Settings => b"countersign/settings/1",
            Self::TransactionContent => b"countersign/transaction-content/1",
            Self::PushAddress => b"countersign/push-address/1",
            Self::SmsCode => b"countersign/sms-code/1",
            Self::Otp => b"countersign/otp/1",
            Self::Token => b"countersign/token/1",
            Self::RefreshToken => b"countersign/refresh-token/1",
            Self::IdempotentAnswer => b"countersign/idempotent-answer/1",
            Self::IdempotencyKey => b"countersign/idempotency-key/1",
            Self::SigningKey => b"countersign/signing-key/1",
            Self::LogIn => b"countersign/log-in/1",
        }
    }
}

/// The text is not a master key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the master key must be 32 bytes in base64")]
pub struct InvalidMasterKey;

/// Sealed data cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "sealed data cannot be opened: it was sealed under another master key, for another record, or was changed"
)]
pub struct UnsealError;

/// One key for each [`Purpose`].
pub struct Keyring {
    keys: [hmac::Key; Purpose::ALL.len()],
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring")
    }
}

/// The first byte of sealed data, followed by the salt, the ciphertext and the tag.
const FORMAT: u8 = 1;
const SALT_BYTES: usize = 16;

impl Keyring {
    /// Derives the keys from a master key.
    #[must_use]
    pub fn new(master_key: &[u8; 32]) -> Self {
        let master = hmac::Key::new(hmac::HMAC_SHA256, master_key);
        let derive = |purpose: Purpose| {
            let mut key = Zeroizing::new([0; 32]);
            key.copy_from_slice(hmac::sign(&master, purpose.label()).as_ref());
            hmac::Key::new(hmac::HMAC_SHA512, key.as_ref())
        };

        Self {
            keys: Purpose::ALL.map(derive),
        }
    }

    /// Derives the keys from a master key in base64.
    pub fn from_base64(text: &SecretString) -> Result<Self, InvalidMasterKey> {
        let bytes = Zeroizing::new(
            STANDARD
                .decode(text.expose().trim())
                .map_err(|_| InvalidMasterKey)?,
        );

        let key: &[u8; 32] = bytes.as_slice().try_into().map_err(|_| InvalidMasterKey)?;
        Ok(Self::new(key))
    }

    /// A keyed hash of `data` (HMAC-SHA-512, truncated to 32 bytes).
    #[must_use]
    pub fn hash(&self, purpose: Purpose, data: &[u8]) -> [u8; 32] {
        let tag = self.mac(purpose, &[data]);
        let mut hash = [0; 32];
        hash.copy_from_slice(&tag.as_ref()[..32]);
        hash
    }

    /// Encrypts `plain` with AES-256-GCM under a new key. It can only be opened with the same
    /// `context`, which names the record that it belongs to.
    #[must_use]
    pub fn seal(
        &self,
        purpose: Purpose,
        context: &[u8],
        plain: &[u8],
        random: &dyn Random,
    ) -> Vec<u8> {
        let salt: [u8; SALT_BYTES] = random::bytes(random);
        let mut sealed = Vec::with_capacity(1 + SALT_BYTES + plain.len() + 16);
        sealed.push(FORMAT);
        sealed.extend_from_slice(&salt);
        sealed.extend_from_slice(plain);

        let (key, nonce) = self.message_key(purpose, &salt);
        #[expect(clippy::expect_used, reason = "only fails for 64 GiB or more")]
        let tag = key
            .seal_in_place_separate_tag(nonce, Aad::from(context), &mut sealed[1 + SALT_BYTES..])
            .expect("the plaintext has a size that AES-GCM accepts");
        sealed.extend_from_slice(tag.as_ref());

        sealed
    }

    /// Decrypts what [`Keyring::seal`] encrypted for the same purpose and context.
    pub fn open(
        &self,
        purpose: Purpose,
        context: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, UnsealError> {
        let (head, body) = sealed.split_at_checked(1 + SALT_BYTES).ok_or(UnsealError)?;
        let (format, salt) = head.split_first().ok_or(UnsealError)?;
        if *format != FORMAT {
            return Err(UnsealError);
        }

        let (key, nonce) = self.message_key(purpose, salt);
        let mut plain = Zeroizing::new(body.to_vec());
        let length = key
            .open_in_place(nonce, Aad::from(context), &mut plain)
            .map_err(|_| UnsealError)?
            .len();
        plain.truncate(length);

        Ok(plain)
    }

    /// The key and nonce of one message, derived from its random salt. A random nonce under one key
    /// would be safe for 2^32 messages only; this has no such limit.
    fn message_key(&self, purpose: Purpose, salt: &[u8]) -> (LessSafeKey, Nonce) {
        let tag = self.mac(purpose, &[b"seal", salt]);
        let mut material = Zeroizing::new([0; 44]);
        material.copy_from_slice(&tag.as_ref()[..44]);

        let mut nonce = [0; 12];
        nonce.copy_from_slice(&material[32..]);
        #[expect(clippy::expect_used, reason = "the length is the algorithm's")]
        let key =
            UnboundKey::new(&AES_256_GCM, &material[..32]).expect("32 bytes are an AES-256 key");
        material.zeroize();

        (LessSafeKey::new(key), Nonce::assume_unique_for_key(nonce))
    }

    fn mac(&self, purpose: Purpose, parts: &[&[u8]]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.keys[purpose as usize]);
        for part in parts {
            context.update(part);
        }
        context.sign()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    #[test]
    fn sealed_data_opens_only_where_it_belongs() {
        let keyring = Keyring::new(&[7; 32]);
        let sealed = keyring.seal(Purpose::Settings, b"row 1", b"secret", &SystemRandom);

        let open = |keyring: &Keyring, purpose, context: &[u8], bytes: &[u8]| {
            keyring
                .open(purpose, context, bytes)
                .map(|plain| plain.to_vec())
        };

        assert_eq!(
            open(&keyring, Purpose::Settings, b"row 1", &sealed),
            Ok(b"secret".to_vec())
        );

        assert_eq!(
            open(&keyring, Purpose::Settings, b"row 2", &sealed),
            Err(UnsealError)
        );

        assert_eq!(
            open(&keyring, Purpose::PushAddress, b"row 1", &sealed),
            Err(UnsealError)
        );

        assert_eq!(
            open(
                &Keyring::new(&[8; 32]),
                Purpose::Settings,
                b"row 1",
                &sealed
            ),
            Err(UnsealError)
        );

        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;

            assert_eq!(
                open(&keyring, Purpose::Settings, b"row 1", &changed),
                Err(UnsealError)
            );

            assert_eq!(
                open(&keyring, Purpose::Settings, b"row 1", &sealed[..index]),
                Err(UnsealError)
            );
        }
    }
}
