//! Deletes old rows, in batches so small that they do not delay other work.

mod persist;

use std::num::NonZeroU32;
use std::time::Duration;

use crate::base::Base;
use crate::config::RetentionConfig;
use crate::store::StoreError;

const PAUSE: Duration = Duration::from_secs(60);

/// Deletes old rows once a minute.
pub struct Retention {
    base: Base,
    times: RetentionTimes,
}

/// How long rows are kept after they were last needed.
#[derive(Clone, Copy, Debug)]
pub struct RetentionTimes {
    /// The audit log.
    pub events: Duration,
    pub delivered_callbacks: Duration,
    pub dead_callbacks: Duration,
}

impl From<&RetentionConfig> for RetentionTimes {
    fn from(config: &RetentionConfig) -> Self {
        let days = |days: NonZeroU32| Duration::from_secs(u64::from(days.get()) * 24 * 3600);
        Self {
            events: days(config.events_days),
            delivered_callbacks: days(config.delivered_callbacks_days),
            dead_callbacks: days(config.dead_callbacks_days),
        }
    }
}

impl Retention {
    /// The settings say how long finished transactions are kept, `times` how long the rest is.
    #[must_use]
    pub fn new(base: Base, times: RetentionTimes) -> Self {
        Self { base, times }
    }

    /// Runs forever. Errors are logged; the next run tries again.
    pub async fn run(&self) {
        loop {
            if let Err(error) = self.delete_old().await {
                tracing::warn!(%error, "old rows cannot be deleted");
            }
            self.base.clock.sleep(PAUSE).await;
        }
    }

    /// Deletes all rows whose time has passed.
    ///
    /// # Errors
    ///
    /// After an error, the batches deleted before it stay deleted.
    pub async fn delete_old(&self) -> Result<(), StoreError> {
        let now = self.base.clock.now();

        let results_seconds = self
            .base
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
            while persist::delete_batch(&self.base.store, *deletion, ends).await? {}
        }

        Ok(())
    }
}
