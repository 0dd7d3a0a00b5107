//! Deletes old rows, in batches so small that they do not delay other work.

mod persist;

use std::time::Duration;

use crate::clock::Clock;
use crate::settings::CurrentSettings;
use crate::store::{Store, StoreError};

const PAUSE: Duration = Duration::from_secs(60);

/// Deletes old rows once a minute.
pub struct Retention {
    pub store: Store,
    pub clock: Clock,
    /// Has the retention time of finished transactions.
    pub settings: CurrentSettings,
    pub times: RetentionTimes,
}

/// How long rows are kept after they were last needed.
#[derive(Clone, Copy, Debug)]
pub struct RetentionTimes {
    /// The audit log.
    pub events: Duration,
    pub delivered_callbacks: Duration,
    pub dead_callbacks: Duration,
}

impl Retention {
    /// Runs forever. Errors are logged; the next run tries again.
    pub async fn run(&self) {
        loop {
            if let Err(error) = self.delete_old().await {
                tracing::warn!(%error, "old rows cannot be deleted");
            }
            self.clock.sleep(PAUSE).await;
        }
    }

    /// Deletes all rows whose time has passed.
    ///
    /// # Errors
    ///
    /// After an error, the batches deleted before it stay deleted.
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
