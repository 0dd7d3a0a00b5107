//! Takes away what has served its time, in batches small enough not to be noticed.

mod persist;

use std::time::Duration;

use crate::clock::Clock;
use crate::settings::CurrentSettings;
use crate::store::{Store, StoreError};

const PAUSE: Duration = Duration::from_secs(60);

/// Deletes old rows, once a minute.
pub struct Retention {
    pub store: Store,
    /// Tells how old they are.
    pub clock: Clock,
    /// Tells how long results can be read.
    pub settings: CurrentSettings,
    /// How long the rest is kept.
    pub times: RetentionTimes,
}

/// How long what is finished is kept.
#[derive(Clone, Copy, Debug)]
pub struct RetentionTimes {
    /// Events of the audit log.
    pub events: Duration,
    /// Callbacks that were delivered.
    pub delivered_callbacks: Duration,
    /// Callbacks that were given up.
    pub dead_callbacks: Duration,
}

impl Retention {
    /// For ever.
    pub async fn run(&self) {
        loop {
            if let Err(error) = self.delete_old().await {
                tracing::warn!(%error, "old rows cannot be deleted");
            }
            self.clock.sleep(PAUSE).await;
        }
    }

    /// Deletes all that has served its time by now.
    ///
    /// # Errors
    /// Where the database is out of reach; what was deleted until then stays deleted.
    pub async fn delete_old(&self) -> Result<(), StoreError> {
        let now = self.clock.now();

        let results_seconds = self
            .settings
            .load()
            .mobile_authentication
            .result_retention_seconds;
        let ends = persist::Ends {
            now,
            transactions: now.before(Duration::from_secs(u64::from(results_seconds))),
            events: now.before(self.times.events),
            delivered_callbacks: now.before(self.times.delivered_callbacks),
            dead_callbacks: now.before(self.times.dead_callbacks),
        };
        for deletion in persist::DELETIONS {
            while persist::delete_batch(&self.store, *deletion, ends).await? {}
        }

        Ok(())
    }
}
