//! Secrets: text that never shows, and the keys derived from the master key.
//!
//! The master key lives outside the database. From it come, by HMAC with a purpose as the label,
//! the keys that seal what must be read again (provider credentials, message texts, phone numbers)
//! and the keys that hash what only has to be recognised (tokens). A stolen database therefore
//! holds neither.

#![expect(
    clippy::indexing_slicing,
    reason = "every slice is of a length fixed beside it"
)]

mod opaque;

use std::fmt;
use std::num::NonZeroU32;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::{digest, hmac, pbkdf2};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer};
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize, Zeroizing};

pub use opaque::{OpaqueToken, TokenKind};

use crate::random::{self, Random};

/// Text that must not be shown: prints as its type's name, is wiped when dropped, compares in
/// constant time.
#[derive(Clone, Default)]
pub struct SecretString(Zeroizing<String>);

impl SecretString {
    /// Wraps the text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretString")
    }
}

impl PartialEq for SecretString {
    fn eq(&self, other: &Self) -> bool {
        constant_time_eq(self.0.as_bytes(), other.0.as_bytes())
    }
}

impl Eq for SecretString {}

impl From<String> for SecretString {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl<'de> Deserialize<'de> for SecretString {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// Whether two byte strings are equal, in a time that depends on their lengths only.
#[must_use]
pub fn constant_time_eq(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

/// SHA-256 without a key: for client secrets, PKCE and digests of what was shown, which are
/// unguessable or not secret.
#[must_use]
pub fn sha256(data: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, data).as_ref());
    hash
}

/// PBKDF2 with HMAC-SHA-256 (RFC 8018 §5.2): makes a guess at a weak password as costly as
/// `iterations` say.
#[must_use]
pub fn stretch(password: &[u8], salt: &[u8], iterations: NonZeroU32) -> Zeroizing<[u8; 32]> {
    let mut stretched = Zeroizing::new([0; 32]);

    pbkdf2::derive(
        pbkdf2::PBKDF2_HMAC_SHA256,
        iterations,
        salt,
        password,
        stretched.as_mut(),
    );

    stretched
}

/// What a derived key is for. Keys of different purposes have nothing to do with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Seals what administrators configure: provider credentials, callback passwords.
    Settings,
    /// Seals what a transaction says and to whom: messages, phone number.
    TransactionContent,
    /// Seals the address a push goes to.
    PushAddress,
    /// Derives the six digits of a text message.
    SmsCode,
    /// Derives the one-time password of an OTP transaction.
    Otp,
    /// Recognises tokens, authorization codes, challenges.
    Token,
    /// Derives refresh tokens.
    RefreshToken,
    /// Seals the answer kept for a repeated request with the same `Idempotency-Key`.
    IdempotentAnswer,
    /// Recognises request bodies and keys of idempotent requests.
    IdempotencyKey,
    /// Seals signing keys.
    SigningKey,
}

impl Purpose {
    const ALL: [Self; 10] = [
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
        }
    }
}

/// A 32-byte key came in another shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the master key must be 32 bytes in base64")]
pub struct InvalidMasterKey;

/// What was sealed cannot be opened: another master key, another place, or changed bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "sealed data cannot be opened: it was sealed under another master key, for another record, or was changed"
)]
pub struct UnsealError;

/// The keys derived from the master key, one for each [`Purpose`].
pub struct Keyring {
    keys: [hmac::Key; Purpose::ALL.len()],
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring")
    }
}

const FORMAT: u8 = 1;
const SALT_BYTES: usize = 16;

impl Keyring {
    /// Derives the keys from a master key of 32 bytes.
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

    /// Derives the keys from a master key written in base64.
    pub fn from_base64(text: &SecretString) -> Result<Self, InvalidMasterKey> {
        let bytes = Zeroizing::new(
            STANDARD
                .decode(text.expose().trim())
                .map_err(|_| InvalidMasterKey)?,
        );
        let key: &[u8; 32] = bytes.as_slice().try_into().map_err(|_| InvalidMasterKey)?;
        Ok(Self::new(key))
    }

    /// A keyed hash of `data`: 32 bytes, the same for the same purpose, key and data.
    #[must_use]
    pub fn hash(&self, purpose: Purpose, data: &[u8]) -> [u8; 32] {
        let tag = self.mac(purpose, &[data]);
        let mut hash = [0; 32];
        hash.copy_from_slice(&tag.as_ref()[..32]);
        hash
    }

    /// Encrypts `plain` (AES-256-GCM under a key of its own) and ties it to `context`, the record
    /// it belongs to.
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
        #[expect(clippy::expect_used, reason = "fails only for a plaintext of 64 GiB")]
        let tag = key
            .seal_in_place_separate_tag(nonce, Aad::from(context), &mut sealed[1 + SALT_BYTES..])
            .expect("plaintext is of a size AES-GCM takes");
        sealed.extend_from_slice(tag.as_ref());
        sealed
    }

    /// Opens what [`Keyring::seal`] made for the same purpose and context.
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

    /// A key and nonce for one message, from a random salt: no two messages share a key, however
    /// many there are.
    fn message_key(&self, purpose: Purpose, salt: &[u8]) -> (LessSafeKey, Nonce) {
        let tag = self.mac(purpose, &[b"seal", salt]);
        let mut material = Zeroizing::new([0; 44]);
        material.copy_from_slice(&tag.as_ref()[..44]);
        let mut nonce = [0; 12];
        nonce.copy_from_slice(&material[32..]);
        #[expect(clippy::expect_used, reason = "the length is the algorithm's")]
        let key =
            UnboundKey::new(&AES_256_GCM, &material[..32]).expect("32 bytes make an AES-256 key");
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

    #[test]
    fn secrets_do_not_print() {
        let secret = SecretString::new("hunter2".to_owned());
        assert_eq!(format!("{secret:?}"), "SecretString");
    }
}
