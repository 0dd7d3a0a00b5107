//! What this server delivers, and what it has delivered and not yet recorded.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use parking_lot::Mutex;

use crate::ids::{TransactionId, UserId};
use crate::store::Store;
use crate::store::journal::{DeliveryStep, Entry};

/// Deliveries recorded at a time. They share commits.
const PARALLEL_MAX: usize = 512;

/// A delivery that has ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settled {
    pub(super) id: TransactionId,
    pub(super) fence: i64,
    /// Whether the message was taken, or may have been.
    pub(super) delivered: bool,
}

/// The journal entry of a step. With a user, it is refused where the user is disabled.
pub(super) fn entry_of(step: DeliveryStep, user: Option<&UserId>) -> Entry {
    Entry {
        user: user.map(ToString::to_string),
        guard: Some(step.into()),
        ..Entry::default()
    }
}

/// The deliveries of this server.
#[derive(Default)]
pub(in crate::transactions) struct Deliveries {
    /// Those under way, by transaction and fence.
    under_way: Arc<Mutex<HashSet<(TransactionId, i64)>>>,
    /// The last of each transaction that has ended and is not yet recorded. They wait for the next
    /// turn of the sweeper: many are recorded together then, and a transaction that has been
    /// answered meanwhile needs no record. Each belongs to a commit of the last moments, which
    /// bounds them.
    settled: Mutex<HashMap<TransactionId, Settled>>,
}

/// A delivery counts as under way until this is ended. Where its task is cancelled instead, the server
/// is stopping, and hands it over.
pub(super) struct UnderWay {
    delivery: (TransactionId, i64),
    deliveries: Arc<Mutex<HashSet<(TransactionId, i64)>>>,
}

impl UnderWay {
    pub(super) fn end(&self) {
        self.deliveries.lock().remove(&self.delivery);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        // Else the transaction would count as under way here for ever, and nobody would take it
        // over.
        if std::thread::panicking() {
            self.end();
        }
    }
}

impl Deliveries {
    pub(super) fn begin(&self, id: TransactionId, fence: i64) -> UnderWay {
        self.under_way.lock().insert((id, fence));

        UnderWay {
            delivery: (id, fence),
            deliveries: Arc::clone(&self.under_way),
        }
    }

    /// Whether this server itself delivers.
    pub(super) fn is_under_way(&self, id: TransactionId, fence: i64) -> bool {
        self.under_way.lock().contains(&(id, fence))
    }

    /// Ends the leases of all deliveries that are under way, for the server that goes on after this
    /// one. Attempts that were begun count as in doubt.
    pub(in crate::transactions) async fn hand_over(&self, store: &Store) {
        let under_way: Vec<_> = self.under_way.lock().iter().copied().collect();

        stream::iter(under_way)
            .for_each_concurrent(PARALLEL_MAX, |(id, fence)| async move {
                let step = DeliveryStep {
                    id: *id.as_bytes(),
                    fence,
                    delivery_lease_until: Some(0),
                    ..DeliveryStep::default()
                };

                // If it fails, the lease runs out a little later.
                let _ = store.commit(entry_of(step, None)).await;
            })
            .await;
    }

    /// Whether a delivery has ended that is not yet recorded.
    pub(in crate::transactions) fn is_settled(&self, id: TransactionId) -> bool {
        self.settled.lock().contains_key(&id)
    }

    /// A delivery has ended: that is recorded soon.
    pub(super) fn settle(&self, settled: Settled) {
        self.settled.lock().insert(settled.id, settled);
    }

    /// Records what is settled. What cannot be written now is tried again next time.
    pub(in crate::transactions) async fn record(&self, store: &Store) {
        let settled: Vec<Settled> = self.settled.lock().values().copied().collect();

        stream::iter(settled)
            .for_each_concurrent(PARALLEL_MAX, |settled| self.record_one(store, settled))
            .await;
    }

    /// Records what is settled of this transaction.
    pub(super) async fn record_now(&self, store: &Store, id: TransactionId) {
        let settled = self.settled.lock().get(&id).copied();
        if let Some(settled) = settled {
            self.record_one(store, settled).await;
        }
    }

    async fn record_one(&self, store: &Store, settled: Settled) {
        let step = DeliveryStep {
            id: *settled.id.as_bytes(),
            fence: settled.fence,
            delivery_due: Some(false),
            delivered: settled.delivered.then_some(true),
            ..DeliveryStep::default()
        };

        // Refused where the transaction has ended, or a resend is owed by now.
        if store.commit(entry_of(step, None)).await.is_err() {
            return;
        }

        let mut waiting = self.settled.lock();
        if waiting
            .get(&settled.id)
            // A resend may have been settled while this one was recorded.
            .is_some_and(|last| last.fence == settled.fence)
        {
            waiting.remove(&settled.id);
        }
    }
}
