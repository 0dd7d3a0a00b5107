//! Takes away what has served its time, in batches small enough not to be noticed.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, Timestamp};
use crate::settings::CurrentSettings;
use crate::store::queries::sweep;
use crate::store::rows::callback_state;
use crate::store::{Connection, QueryResult, Store, StoreError, WriteError};

const PAUSE: Duration = Duration::from_secs(60);
const BATCH: i64 = 500;

/// Deletes old rows, once a minute.
pub struct Retention {
    /// Where they are.
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

type Deletion = Arc<dyn Fn(&mut Connection) -> QueryResult<usize> + Send + Sync>;

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
        for deletion in self.deletions(self.clock.now()) {
            loop {
                let batch = Arc::clone(&deletion);
                let deleted = self
                    .store
                    .write::<_, StoreError, _>(move |connection| batch(connection).map_err(WriteError::from))
                    .await?;
                if i64::try_from(deleted).unwrap_or(i64::MAX) < BATCH {
                    break;
                }
            }
        }
        Ok(())
    }

    fn deletions(&self, now: Timestamp) -> Vec<Deletion> {
        let general = self.settings.load().mobile_authentication.clone();
        let finished_before = now.before(Duration::from_secs(u64::from(general.result_retention_seconds)));
        let events_before = now.before(self.times.events);
        let delivered_before = now.before(self.times.delivered_callbacks);
        let dead_before = now.before(self.times.dead_callbacks);
        let (delivered, dead) = (callback_state::DELIVERED, callback_state::DEAD);
        vec![
            Arc::new(move |c| sweep::delete_finished_transactions(c, finished_before, BATCH)),
            Arc::new(move |c| sweep::delete_events(c, events_before, BATCH)),
            Arc::new(move |c| sweep::delete_finished_callbacks(c, delivered, delivered_before, BATCH)),
            Arc::new(move |c| sweep::delete_finished_callbacks(c, dead, dead_before, BATCH)),
            Arc::new(move |c| sweep::delete_expired_idempotency_keys(c, now, BATCH)),
            Arc::new(move |c| sweep::delete_expired_assertion_ids(c, now, BATCH)),
            Arc::new(move |c| sweep::delete_expired_access_tokens(c, now, BATCH)),
            Arc::new(move |c| sweep::delete_expired_authorizations(c, now, BATCH)),
        ]
    }
}
