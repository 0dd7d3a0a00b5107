//! What every feature of the server stands on.

use std::sync::Arc;

use crate::clock::Clock;
use crate::random::{SharedRandom, SystemRandom};
use crate::secret::Keyring;
use crate::settings::{CurrentSettings, StoredSettings};
use crate::store::Store;
use crate::telemetry::Metrics;

/// The database, the settings in force, and where time, randomness, keys and counts come from.
/// Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Base {
    pub store: Store,
    pub settings: CurrentSettings,
    pub clock: Clock,
    pub random: SharedRandom,
    pub keyring: Arc<Keyring>,
    pub metrics: Metrics,
}

impl Base {
    /// On this database, with the machine's clock and randomness, and nothing configured yet.
    /// Counts go where the store's go.
    #[must_use]
    pub fn new(store: Store, keyring: Keyring) -> Self {
        Self {
            metrics: store.metrics().clone(),
            store,
            settings: CurrentSettings::default(),
            clock: Clock::system(),
            random: Arc::new(SystemRandom),
            keyring: Arc::new(keyring),
        }
    }

    /// The settings in the database.
    #[must_use]
    pub fn stored_settings(&self) -> StoredSettings {
        StoredSettings::new(
            self.store.clone(),
            Arc::clone(&self.keyring),
            self.clock.clone(),
            Arc::clone(&self.random),
        )
    }
}
