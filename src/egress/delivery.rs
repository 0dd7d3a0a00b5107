//! The loop that hands a message to its provider: one attempt after the other, with growing pauses,
//! until the provider takes the message, refuses it for good, or it is too late.

use std::future::Future;

use futures_util::future::BoxFuture;

use super::bulkhead::AsFailure;
use super::cause::Cause;
use super::failure::{FailureKind, ProviderFailure};
use super::retry::{Next, after_failure};
use crate::clock::{Clock, Timestamp};
use crate::ids::TransactionId;
use crate::telemetry::metrics::Metrics;

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// The provider took it, or the device fetches it by itself.
    Taken,
    /// The provider may have taken it. It is not sent again.
    InDoubt,
    /// It cannot be delivered, and surely was not.
    GivenUp,
    /// It is not owed any more, or somebody else delivers it now.
    NotOwed,
}

/// The right to deliver a message that is owed, in whose name attempts are made. It ends when the
/// message is not owed any more or somebody else has taken its delivery over.
///
/// What it is told is recorded, so that whoever goes on after a crash knows how the message stands.
pub trait DeliveryLease: Send + Sync {
    /// Whether an attempt before the first one made under this lease may have been taken.
    fn is_in_doubt(&self) -> bool;

    /// An attempt is about to be made: whether it may be.
    ///
    /// # Errors
    /// Nobody can say now. The attempt must not be made.
    fn begin_attempt(&self, is_in_doubt: bool) -> BoxFuture<'_, Result<bool, LeaseUnknown>>;

    /// An attempt failed, and the next one is made at this time.
    fn pause(&self, until: Timestamp, is_in_doubt: bool) -> BoxFuture<'_, ()>;
}

/// Whether the lease holds cannot be found out now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("whether the message is still owed cannot be found out")]
pub struct LeaseUnknown;

/// Why an attempt did not hand the message over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unsent {
    /// The provider did not take it.
    Failed(ProviderFailure),
    /// No attempt is to be made, now or later.
    Ended(DeliveryOutcome),
}

impl From<ProviderFailure> for Unsent {
    fn from(failure: ProviderFailure) -> Self {
        Self::Failed(failure)
    }
}

impl AsFailure for Unsent {
    fn as_failure(&self) -> Option<&ProviderFailure> {
        match self {
            Self::Failed(failure) if failure.cause != Cause::Store => Some(failure),
            Self::Failed(_) | Self::Ended(_) => None,
        }
    }
}

/// A message that is to be delivered.
pub struct Delivery<'a> {
    pub clock: &'a Clock,
    pub metrics: &'a Metrics,
    pub transaction: Option<TransactionId>,
    pub deadline: Timestamp,
    pub lease: &'a dyn DeliveryLease,
}

impl Delivery<'_> {
    /// Repeats `attempt` until the message is handed over, the attempts have ended, or another one
    /// is of no use: the failure is final, the message may have been taken twice, or the next
    /// attempt would come too late.
    ///
    /// `attempt` is told whether one before it may have been taken, and calls
    /// [`Self::begin_attempt`] right before it sends. Each failure is logged and counted.
    pub async fn run<A, F>(&self, mut attempt: A) -> DeliveryOutcome
    where
        A: FnMut(bool) -> F,
        F: Future<Output = Result<(), Unsent>>,
    {
        let mut failures = 0;
        let mut is_in_doubt = self.lease.is_in_doubt();

        loop {
            let failure = match attempt(is_in_doubt).await {
                Ok(()) => return DeliveryOutcome::Taken,
                Err(Unsent::Ended(DeliveryOutcome::GivenUp)) if is_in_doubt => {
                    return DeliveryOutcome::InDoubt;
                }
                Err(Unsent::Ended(outcome)) => return outcome,
                Err(Unsent::Failed(failure)) => failure,
            };

            failures += 1;
            self.metrics
                .provider_answered(failure.provider, failure.kind.as_str());
            log(self.transaction, &failure);

            let now = self.clock.now();
            match after_failure(failures, failure.kind, is_in_doubt, now, self.deadline) {
                Next::GiveUp => return DeliveryOutcome::GivenUp,
                Next::LeaveInDoubt => return DeliveryOutcome::InDoubt,
                Next::TryAt(at) => {
                    is_in_doubt |= failure.kind == FailureKind::Doubtful;
                    self.lease.pause(at, is_in_doubt).await;
                    self.clock.sleep_until(at).await;
                }
            }
        }
    }

    /// Makes sure that an attempt may be made now.
    ///
    /// # Errors
    /// What `attempt` returns instead: it is too late, the message is not owed any more, or nobody
    /// can say.
    pub async fn begin_attempt(&self, is_in_doubt: bool) -> Result<(), Unsent> {
        if self.clock.now() >= self.deadline {
            return Err(Unsent::Ended(DeliveryOutcome::GivenUp));
        }

        match self.lease.begin_attempt(is_in_doubt).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Unsent::Ended(DeliveryOutcome::NotOwed)),
            Err(LeaseUnknown) => Err(Unsent::Failed(ProviderFailure {
                provider: "store",
                kind: FailureKind::Retry { after: None },
                cause: Cause::Store,
                detail: "whether the message is still owed cannot be read".into(),
            })),
        }
    }
}

/// A provider that is down is warned of once, by its bulkhead, and not with each message.
fn log(transaction: Option<TransactionId>, failure: &ProviderFailure) {
    let transaction_id = transaction.map(tracing::field::display);
    let cause = failure.cause.as_str();

    if failure.cause.is_outage() || failure.cause == Cause::NotTried {
        tracing::debug!(transaction_id, %failure, cause, "a message was not taken");
    } else {
        tracing::warn!(transaction_id, %failure, cause, "a message was not taken");
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::collections::VecDeque;
    use std::time::Duration;

    use futures_util::FutureExt as _;
    use parking_lot::Mutex;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000);

    /// Grants attempts as scripted, then always.
    #[derive(Default)]
    struct Scripted {
        was_in_doubt: bool,
        grants: Mutex<VecDeque<Result<bool, LeaseUnknown>>>,
    }

    impl DeliveryLease for Scripted {
        fn is_in_doubt(&self) -> bool {
            self.was_in_doubt
        }

        fn begin_attempt(&self, _: bool) -> BoxFuture<'_, Result<bool, LeaseUnknown>> {
            std::future::ready(self.grants.lock().pop_front().unwrap_or(Ok(true))).boxed()
        }

        fn pause(&self, _: Timestamp, _: bool) -> BoxFuture<'_, ()> {
            std::future::ready(()).boxed()
        }
    }

    /// The outcome and the number of messages sent where each attempt fails as scripted; what comes
    /// after the script is taken.
    async fn deliver(
        lease: &Scripted,
        seconds: u64,
        failures: &[FailureKind],
    ) -> (DeliveryOutcome, usize) {
        let (clock, metrics) = (Clock::manual(NOW), Metrics::new());
        let delivery = Delivery {
            clock: &clock,
            metrics: &metrics,
            transaction: None,
            deadline: NOW.after(Duration::from_secs(seconds)),
            lease,
        };

        let sent = Cell::new(0);
        let attempt = async |is_in_doubt| {
            delivery.begin_attempt(is_in_doubt).await?;

            let failure = failures.get(sent.get()).copied();
            sent.set(sent.get() + 1);

            match failure {
                None => Ok(()),
                Some(kind) => Err(Unsent::Failed(ProviderFailure {
                    provider: "test",
                    kind,
                    cause: Cause::Answered,
                    detail: "on purpose".into(),
                })),
            }
        };

        let passing = async {
            loop {
                clock.advance(Duration::from_millis(100));
                tokio::task::yield_now().await;
            }
        };

        let outcome = tokio::select! {
            outcome = delivery.run(attempt) => outcome,
            () = passing => unreachable!("time passes for ever"),
        };

        (outcome, sent.get())
    }

    const RETRY: FailureKind = FailureKind::Retry { after: None };
    const DOUBT: FailureKind = FailureKind::Doubtful;

    #[tokio::test]
    async fn failures_lead_where_the_table_says() {
        use DeliveryOutcome::{GivenUp, InDoubt, Taken};

        let dead = FailureKind::DeadAddress { since: None };
        let table: &[(&[FailureKind], DeliveryOutcome, usize)] = &[
            (&[], Taken, 1),
            (&[RETRY, RETRY, RETRY], Taken, 4),
            (&[RETRY, FailureKind::Blocked], GivenUp, 2),
            (&[FailureKind::Configuration], GivenUp, 1),
            (&[dead], GivenUp, 1),
            (&[DOUBT], Taken, 2),
            (&[DOUBT, DOUBT], InDoubt, 2),
            (&[RETRY, DOUBT, RETRY, RETRY, DOUBT], InDoubt, 5),
            (&[DOUBT, FailureKind::Blocked], InDoubt, 2),
        ];

        for (failures, outcome, sent) in table {
            let delivered = deliver(&Scripted::default(), 60, failures).await;
            assert_eq!(delivered, (*outcome, *sent), "{failures:?}");
        }

        // The pause would end too close to the deadline.
        let late = deliver(&Scripted::default(), 5, &[RETRY]).await;
        assert_eq!(late, (GivenUp, 1));
    }

    #[tokio::test]
    async fn nothing_is_sent_without_the_lease() {
        let grants = |grants: &[_]| Scripted {
            grants: Mutex::new(grants.to_vec().into()),
            ..Scripted::default()
        };

        let lost = deliver(&grants(&[Ok(false)]), 60, &[]).await;
        assert_eq!(lost, (DeliveryOutcome::NotOwed, 0));

        let lost_later = deliver(&grants(&[Ok(true), Ok(false)]), 60, &[RETRY]).await;
        assert_eq!(lost_later, (DeliveryOutcome::NotOwed, 1));

        let unknown = deliver(&grants(&[Err(LeaseUnknown), Ok(true)]), 60, &[]).await;
        assert_eq!(unknown, (DeliveryOutcome::Taken, 1));

        let expired = deliver(&grants(&[]), 0, &[]).await;
        assert_eq!(expired, (DeliveryOutcome::GivenUp, 0));
    }

    #[tokio::test]
    async fn doubt_is_inherited() {
        let lease = Scripted {
            was_in_doubt: true,
            ..Scripted::default()
        };

        let delivered = deliver(&lease, 60, &[DOUBT]).await;
        assert_eq!(delivered, (DeliveryOutcome::InDoubt, 1));
    }
}
