//! What timers miss: transactions that expire while no actor lives, and deliveries that were
//! interrupted.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};

use super::facade::Transactions;
use super::messages::{Action, Caller};
use super::persist;
use crate::ids::TransactionId;
use crate::store::StoreError;

/// After its deadline a transaction's own actor has this long to notice.
const GRACE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_secs(1);
const BATCH: i64 = 500;
const PARALLEL_MAX: usize = 128;

impl Transactions {
    /// Once a second, for ever: records what was delivered, takes over the deliveries of servers that
    /// died, and expires what is overdue.
    pub async fn sweep(&self) {
        loop {
            self.record_deliveries().await;

            if let Err(error) = self.take_over_deliveries().await {
                tracing::warn!(%error, "interrupted deliveries cannot be found");
            }

            if let Err(error) = self.expire_overdue().await {
                tracing::warn!(%error, "overdue transactions cannot be found");
            }

            self.services.base.clock.sleep(PAUSE).await;
        }
    }

    /// Leaves the deliveries to whichever server goes on after this one. Called when nothing new is
    /// started any more.
    pub async fn hand_over(&self) {
        self.record_deliveries().await;

        let services = &self.services;
        services.deliveries.hand_over(&services.base.store).await;
    }

    async fn record_deliveries(&self) {
        let services = &self.services;
        services.deliveries.record(&services.base.store).await;
    }

    async fn expire_overdue(&self) -> Result<(), StoreError> {
        loop {
            // Those that still have an actor are left to its timer.
            let before = self.services.base.clock.now().before(GRACE);
            let ids = persist::find_expired(&self.services.base.store, before, BATCH).await?;
            let is_full = ids.len() == usize::try_from(BATCH).unwrap_or(usize::MAX);

            // Without any change the next batch would be the same one.
            let changed = self.look_at(ids).await;

            if !is_full || changed == 0 {
                return Ok(());
            }
        }
    }

    /// Lets each compare its deadline with the clock. Returns how many changed.
    async fn look_at(&self, ids: Vec<TransactionId>) -> usize {
        stream::iter(ids)
            .map(|id| async move {
                let looked = self.command(id, Caller::Server, Action::Look).await;
                looked.is_ok()
            })
            .buffer_unordered(PARALLEL_MAX)
            .filter(|changed| std::future::ready(*changed))
            .count()
            .await
    }
}
