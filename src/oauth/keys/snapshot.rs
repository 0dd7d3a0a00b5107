//! The keys at one moment, opened and ready for use.

use std::sync::Arc;

use serde_json::Value;

use super::schedule;
use crate::clock::Timestamp;
use crate::jose::{SigningAlgorithm, SigningKey, VerifyingKey};
use crate::oauth::model::StoredKey;
use crate::secret::{Keyring, Purpose};
use crate::store::CorruptRow;

/// What signs and what is published.
#[derive(Default)]
pub(super) struct Snapshot {
    /// In the order of `keys`.
    stored: Vec<StoredKey>,
    keys: Vec<Arc<SigningKey>>,
}

impl Snapshot {
    /// Opens the keys.
    pub(super) fn open(stored: Vec<StoredKey>, keyring: &Keyring) -> Result<Self, CorruptRow> {
        let keys = stored.iter().map(|key| {
            open(key, keyring)
                .map(Arc::new)
                .ok_or_else(|| CorruptRow::new("signing_keys", &key.kid))
        });

        Ok(Self {
            keys: keys.collect::<Result<_, _>>()?,
            stored,
        })
    }

    /// Whether these are the keys it was opened from.
    pub(super) fn is_of(&self, stored: &[StoredKey]) -> bool {
        self.stored == stored
    }

    /// When the latest key of an algorithm begins to sign.
    pub(super) fn latest(&self, algorithm: SigningAlgorithm) -> Option<Timestamp> {
        schedule::latest(&self.stored, algorithm)
    }

    /// The key that signs.
    pub(super) fn signing(
        &self,
        algorithm: SigningAlgorithm,
        now: Timestamp,
    ) -> Option<&Arc<SigningKey>> {
        let of_algorithm = || {
            self.keys()
                .filter(|(stored, _)| stored.algorithm == algorithm)
        };
        let index = schedule::signing(of_algorithm().map(|(stored, _)| stored.active_from), now)?;

        of_algorithm().nth(index).map(|(_, key)| key)
    }

    /// Everything that others may have to verify with.
    pub(super) fn published(&self, now: Timestamp) -> Vec<Value> {
        self.published_keys(now)
            .map(|key| key.public_jwk())
            .collect()
    }

    pub(super) fn published_key(&self, kid: &str, now: Timestamp) -> Option<VerifyingKey> {
        self.published_keys(now)
            .find(|key| key.kid() == kid)
            .map(|key| key.verifying_key().clone())
    }

    /// Whether there is a key that is not published any more.
    pub(super) fn has_retired(&self, now: Timestamp) -> bool {
        self.stored.iter().any(|key| !is_published(key, now))
    }

    fn published_keys(&self, now: Timestamp) -> impl Iterator<Item = &Arc<SigningKey>> {
        self.keys()
            .filter(move |(stored, _)| is_published(stored, now))
            .map(|(_, key)| key)
    }

    fn keys(&self) -> impl Iterator<Item = (&StoredKey, &Arc<SigningKey>)> {
        self.stored.iter().zip(&self.keys)
    }
}

fn is_published(key: &StoredKey, now: Timestamp) -> bool {
    key.published_until.is_none_or(|until| now < until)
}

fn open(stored: &StoredKey, keyring: &Keyring) -> Option<SigningKey> {
    let der = keyring
        .open(Purpose::SigningKey, stored.kid.as_bytes(), &stored.sealed)
        .ok()?;

    SigningKey::from_pkcs8(stored.algorithm, &der)
        .ok()
        // The name is the key's thumbprint. Under another one it would sign what nobody can verify.
        .filter(|key| key.kid() == stored.kid)
}
