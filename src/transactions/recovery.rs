//! What timers miss: expiry of transactions nobody holds in memory, and deliveries that a restart
//! cut short.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};

use super::messages::{Action, By};
use super::{Transactions, persist};
use crate::ids::TransactionId;
use crate::store::StoreError;

/// How long after the deadline an actor's own timer has had its chance.
const GRACE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_secs(1);
const BATCH: i64 = 500;
const AT_ONCE: usize = 128;

impl Transactions {
    /// Takes up what was under way, then expires what is overdue, once a second, for ever.
    pub async fn sweep(&self) {
        if let Err(error) = self.resume_deliveries().await {
            tracing::warn!(%error, "deliveries cannot be taken up");
        }
        loop {
            if let Err(error) = self.expire_overdue().await {
                tracing::warn!(%error, "overdue transactions cannot be looked for");
            }
            self.0.base.clock.sleep(PAUSE).await;
        }
    }

    /// Restores the transactions whose start was answered while the provider was still being tried:
    /// their actors go on.
    async fn resume_deliveries(&self) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let ids = persist::find_delivery_due(&self.0.base.store, after, BATCH).await?;
            let Some(last) = ids.last() else {
                return Ok(());
            };
            after = Some(*last);
            self.look_at(ids).await;
        }
    }

    async fn expire_overdue(&self) -> Result<(), StoreError> {
        loop {
            let before = self.0.base.clock.now().before(GRACE);
            let ids = persist::find_expired(&self.0.base.store, before, BATCH).await?;
            let full = ids.len() == usize::try_from(BATCH).unwrap_or(usize::MAX);
            let changed = self.look_at(ids).await;
            if !full || changed == 0 {
                return Ok(());
            }
        }
    }

    /// Has each look at the clock; tells how many changed by it.
    async fn look_at(&self, ids: Vec<TransactionId>) -> usize {
        stream::iter(ids)
            .map(|id| async move {
                self.0
                    .command(id, By::Server, Action::Look, None, None)
                    .await
                    .is_ok()
            })
            .buffer_unordered(AT_ONCE)
            .filter(|changed| std::future::ready(*changed))
            .count()
            .await
    }
}
