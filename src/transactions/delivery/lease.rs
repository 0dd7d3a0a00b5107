//! The lease of a delivery, in the transaction's row.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::settlement::entry_of;
use crate::clock::Timestamp;
use crate::egress::{DeliveryLease, LeaseUnknown};
use crate::ids::{TransactionId, UserId};
use crate::store::StoreError;
use crate::store::journal::{DeliveryStep, Outcome};
use crate::transactions::owed::{ATTEMPT_MAX, LEASE, Owed, PAUSE_GRACE, Progress};
use crate::transactions::services::Services;

/// Attempts are made while the row says that the message is owed under this fence.
pub(super) struct RowLease {
    services: Arc<Services>,
    id: TransactionId,
    user: Option<UserId>,
    fence: i64,
    was_in_doubt: bool,
    /// In milliseconds. In the past once the attempt that the lease began with has failed.
    until: AtomicI64,
}

impl RowLease {
    pub(super) fn new(services: Arc<Services>, owed: &Owed) -> Self {
        Self {
            services,
            id: owed.id,
            user: owed.user.clone(),
            fence: owed.fence,
            was_in_doubt: owed.is_in_doubt,
            until: AtomicI64::new(owed.lease_until.as_millis()),
        }
    }

    /// Records the progress and a new end of the lease. False where the message is not owed any more
    /// or the lease is another server's; then nothing is recorded.
    async fn record(&self, progress: Progress, until: Timestamp) -> Result<bool, StoreError> {
        let step = DeliveryStep {
            id: *self.id.as_bytes(),
            fence: self.fence,
            delivery_progress: Some(progress.column()),
            delivery_lease_until: Some(until.as_millis()),
            ..DeliveryStep::default()
        };

        let entry = entry_of(step, self.user.as_ref());
        let outcome = self.services.base.store.commit(entry).await?;

        Ok(outcome == Outcome::Committed)
    }

    /// Whether the lease covers a whole attempt from now on. The row says that one is under way.
    fn covers_an_attempt(&self, now: Timestamp) -> bool {
        let until = Timestamp::from_millis(self.until.load(Ordering::Acquire));
        now.after(ATTEMPT_MAX) <= until
    }
}

impl DeliveryLease for RowLease {
    fn is_in_doubt(&self) -> bool {
        self.was_in_doubt
    }

    /// The first attempt is part of the commit that gave the lease: it needs no other.
    fn begin_attempt(&self, is_in_doubt: bool) -> BoxFuture<'_, Result<bool, LeaseUnknown>> {
        async move {
            let now = self.services.base.clock.now();
            // Recorded by the commit that began the lease: most messages need no other one.
            if self.covers_an_attempt(now) {
                return Ok(true);
            }

            let until = now.after(LEASE);
            let is_held = self
                .record(Progress::attempting(is_in_doubt), until)
                .await
                .map_err(|_| LeaseUnknown)?;
            self.until.store(until.as_millis(), Ordering::Release);

            Ok(is_held)
        }
        .boxed()
    }

    fn pause(&self, until: Timestamp, is_in_doubt: bool) -> BoxFuture<'_, ()> {
        async move {
            // The next attempt has to be recorded, however soon it comes.
            self.until.store(0, Ordering::Release);

            // If this fails, whoever takes over believes that the attempt is under way, and repeats
            // it once at most.
            let lease_until = until.after(PAUSE_GRACE);
            let _ = self
                .record(Progress::paused(is_in_doubt), lease_until)
                .await;
        }
        .boxed()
    }
}
