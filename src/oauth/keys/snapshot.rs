//! The keys at one moment, opened and ready for use.

use std::sync::Arc;

use serde_json::Value;

use super::schedule;
use crate::clock::Timestamp;
use crate::jose::{SigningAlgorithm, SigningKey, VerifyingKey};
use crate::secret::{Keyring, Purpose};
use crate::store::rows::SigningKeyRow;

/// What signs and what is published.
#[derive(Default)]
pub(super) struct Snapshot {
    /// As they are stored.
    pub(super) rows: Vec<SigningKeyRow>,
    es256: Vec<ScheduledKey>,
    rs256: Vec<ScheduledKey>,
}

struct ScheduledKey {
    key: Arc<SigningKey>,
    active_from: Timestamp,
    published_until: Option<Timestamp>,
}

impl Snapshot {
    /// Opens the keys. One that cannot be opened signs nothing and is not published.
    pub(super) fn open(rows: Vec<SigningKeyRow>, keyring: &Keyring) -> Self {
        let mut snapshot = Self::default();
        for row in &rows {
            match open(row, keyring) {
                Some((SigningAlgorithm::Es256, key)) => snapshot.es256.push(key),
                Some((SigningAlgorithm::Rs256, key)) => snapshot.rs256.push(key),
                None => tracing::error!(
                    key.id = row.kid,
                    "a signing key cannot be opened and is not used"
                ),
            }
        }
        Self { rows, ..snapshot }
    }

    /// The key that signs.
    pub(super) fn signing(
        &self,
        algorithm: SigningAlgorithm,
        now: Timestamp,
    ) -> Option<&Arc<SigningKey>> {
        let keys = self.of(algorithm);
        let index = schedule::signing(keys.iter().map(|key| key.active_from), now)?;
        keys.get(index).map(|scheduled| &scheduled.key)
    }

    /// Everything that others may have to verify with.
    pub(super) fn published(&self, now: Timestamp) -> Vec<Value> {
        self.published_keys(now)
            .map(SigningKey::public_jwk)
            .collect()
    }

    /// The same, of one key.
    pub(super) fn published_key(&self, kid: &str, now: Timestamp) -> Option<VerifyingKey> {
        self.published_keys(now)
            .find(|key| key.kid() == kid)
            .map(|key| key.verifying_key().clone())
    }

    fn published_keys(&self, now: Timestamp) -> impl Iterator<Item = &SigningKey> {
        let is_published =
            move |key: &&ScheduledKey| key.published_until.is_none_or(|until| now < until);
        self.es256
            .iter()
            .chain(&self.rs256)
            .filter(is_published)
            .map(|scheduled| scheduled.key.as_ref())
    }

    /// Whether there is a key whose time is over.
    pub(super) fn has_retired(&self, now: Timestamp) -> bool {
        self.rows.iter().any(|row| {
            row.published_until
                .is_some_and(|until| until <= now.as_millis())
        })
    }

    fn of(&self, algorithm: SigningAlgorithm) -> &[ScheduledKey] {
        match algorithm {
            SigningAlgorithm::Es256 => &self.es256,
            SigningAlgorithm::Rs256 => &self.rs256,
        }
    }
}

fn open(row: &SigningKeyRow, keyring: &Keyring) -> Option<(SigningAlgorithm, ScheduledKey)> {
    let algorithm = SigningAlgorithm::from_name(&row.algorithm)?;
    let der = keyring
        .open(Purpose::SigningKey, row.kid.as_bytes(), &row.private_key)
        .ok()?;
    let key = SigningKey::from_pkcs8(algorithm, &der)
        .ok()
        .filter(|key| key.kid() == row.kid)?;
    let (active_from, until) = (Timestamp::from_millis(row.active_from), row.published_until);
    Some((
        algorithm,
        ScheduledKey {
            key: Arc::new(key),
            active_from,
            published_until: until.map(Timestamp::from_millis),
        },
    ))
}
