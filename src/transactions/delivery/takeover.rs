//! Takes over deliveries whose server died.

use futures_util::{StreamExt as _, stream};

use super::settlement::entry_of;
use crate::store::StoreError;
use crate::store::journal::{DeliveryStep, Outcome};
use crate::store::rows::TransactionRow;
use crate::transactions::facade::Transactions;
use crate::transactions::owed::{LEASE, Progress};
use crate::transactions::persist;

const BATCH: i64 = 500;
const PARALLEL_MAX: usize = 128;

impl Transactions {
    /// Goes on with the deliveries whose lease has run out, a batch of them.
    pub(in crate::transactions) async fn take_over_deliveries(&self) -> Result<(), StoreError> {
        let base = &self.services.base;
        let lapsed = persist::find_lapsed_deliveries(&base.store, base.clock.now(), BATCH).await?;

        stream::iter(lapsed)
            .map(|row| async move {
                if let Err(error) = self.take_over(&row).await {
                    tracing::warn!(%error, "an interrupted delivery could not be taken over");
                }
            })
            // Together, so that they share commits: one after the other they would take a commit
            // each.
            .buffer_unordered(PARALLEL_MAX)
            .collect::<()>()
            .await;

        Ok(())
    }

    async fn take_over(&self, row: &TransactionRow) -> Result<(), StoreError> {
        let progress = persist::progress_of(row)?;
        let record = persist::Record::from_row(row)?;

        // It waits for its turn here, or has been delivered just now.
        let deliveries = &self.services.deliveries;
        if deliveries.is_under_way(record.id, record.delivery_fence)
            || deliveries.is_settled(record.id)
        {
            return self.prolong(row).await;
        }

        // It may have been taken twice: it is not sent any more.
        let Some(is_in_doubt) = progress.taken_over() else {
            return self.leave(row, true).await;
        };

        let base = &self.services.base;
        let until = base.clock.now().after(LEASE);
        let progress = Progress::attempting(is_in_doubt);
        let entry = persist::takeover(&record, progress, until);

        match base.store.commit(entry).await? {
            Outcome::Committed => {
                let lease = persist::Lease {
                    fence: record.delivery_fence + 1,
                    until,
                    is_in_doubt,
                };
                let owed = persist::owed_of(row, &lease, &base.keyring)?;
                tracing::info!(transaction_id = %record.id, "an interrupted delivery goes on");
                drop(self.deliver(owed));
                Ok(())
            }
            // A disabled user is asked nothing.
            Outcome::UserDisabled => self.leave(row, false).await,
            // Another server was first, or the transaction has ended.
            Outcome::Refused
            | Outcome::Replayed
            | Outcome::TooMany { .. }
            | Outcome::TooManyFailures => Ok(()),
        }
    }

    /// Keeps others from a delivery that is under way here.
    async fn prolong(&self, row: &TransactionRow) -> Result<(), StoreError> {
        let until = self.services.base.clock.now().after(LEASE);

        self.step(row, |step| DeliveryStep {
            delivery_lease_until: Some(until.as_millis()),
            ..step
        })
        .await
    }

    /// Nothing is owed any more.
    async fn leave(&self, row: &TransactionRow, delivered: bool) -> Result<(), StoreError> {
        self.step(row, |step| DeliveryStep {
            delivery_due: Some(false),
            delivered: delivered.then_some(true),
            ..step
        })
        .await
    }

    async fn step(
        &self,
        row: &TransactionRow,
        change: impl FnOnce(DeliveryStep) -> DeliveryStep,
    ) -> Result<(), StoreError> {
        let record = persist::Record::from_row(row)?;
        let step = DeliveryStep {
            id: *record.id.as_bytes(),
            fence: record.delivery_fence,
            ..DeliveryStep::default()
        };

        // Refused where somebody else was first.
        let entry = entry_of(change(step), None);
        self.services.base.store.commit(entry).await.map(drop)
    }
}
