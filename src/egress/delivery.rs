//! The loop that hands a message to its provider: one attempt after the other, with growing pauses,
//! until the provider takes the message, refuses it for good, or it is too late.

use std::future::Future;
use std::ops::ControlFlow;

use super::failure::ProviderFailure;
use super::retry::retry_at;
use crate::clock::{Clock, Timestamp};
use crate::ids::TransactionId;
use crate::telemetry::metrics::Metrics;

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// The provider took it, or the device fetches it by itself.
    Taken,
    /// It cannot be delivered.
    GivenUp,
}

/// Repeats `attempt` until it breaks the loop with an outcome, or another attempt is of no use: the
/// failure is final, or the next attempt would not come before `deadline`.
///
/// Logs and counts each failure.
pub async fn deliver<A, F>(
    clock: &Clock,
    metrics: &Metrics,
    transaction: TransactionId,
    deadline: Timestamp,
    mut attempt: A,
) -> DeliveryOutcome
where
    A: FnMut() -> F,
    F: Future<Output = ControlFlow<DeliveryOutcome, ProviderFailure>>,
{
    let mut failures = 0;

    loop {
        let failure = match attempt().await {
            ControlFlow::Break(outcome) => return outcome,
            ControlFlow::Continue(failure) => failure,
        };

        failures += 1;
        metrics.provider_answered(failure.provider, failure.kind.as_str());
        tracing::warn!(transaction_id = %transaction, %failure, "a message was not taken");

        let Some(at) = retry_at(failures, failure.kind, clock.now(), deadline) else {
            return DeliveryOutcome::GivenUp;
        };
        clock.sleep_until(at).await;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::egress::FailureKind;

    const NOW: Timestamp = Timestamp::from_millis(1_000);
    const DEADLINE: Timestamp = Timestamp::from_millis(1_100);

    /// The outcome and the number of attempts where each fails in this way.
    async fn deliver_failing(kind: FailureKind) -> (DeliveryOutcome, u32) {
        let attempts = Cell::new(0);
        let attempt = async || {
            attempts.set(attempts.get() + 1);

            ControlFlow::Continue(ProviderFailure {
                provider: "test",
                kind,
                detail: "on purpose".into(),
            })
        };

        let outcome = deliver(
            &Clock::manual(NOW),
            &Metrics::new(),
            TransactionId::from_bytes([0; 16]),
            DEADLINE,
            attempt,
        )
        .await;

        (outcome, attempts.get())
    }

    #[tokio::test]
    async fn a_failure_that_stays_is_not_tried_again() {
        for kind in [
            FailureKind::Blocked,
            FailureKind::Configuration,
            FailureKind::DeadAddress { since: None },
            // The first pause already ends after the deadline.
            FailureKind::Retry { after: None },
        ] {
            let given_up = (DeliveryOutcome::GivenUp, 1);
            assert_eq!(deliver_failing(kind).await, given_up, "{kind:?}");
        }
    }
}
