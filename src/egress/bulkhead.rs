//! Keeps providers apart: a slow one takes no other's places, and one that does not answer is left
//! alone for a moment.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::breaker::{Breaker, Change};
use super::cause::Cause;
use super::failure::{FailureKind, ProviderFailure};
use crate::clock::Clock;
use crate::telemetry::Metrics;

/// Calls to one provider at a time. Further ones wait.
const CALLS_MAX: usize = 256;
/// Providers that are remembered. Past it all are forgotten, which only loses what was learnt of them.
const PROVIDERS_MAX: usize = 256;

/// The providers of one kind, by the names that administrators gave them.
pub struct Bulkheads {
    clock: Clock,
    metrics: Metrics,
    by_name: Mutex<HashMap<String, Arc<Bulkhead>>>,
}

struct Bulkhead {
    permits: Semaphore,
    breaker: Mutex<Breaker>,
}

impl Bulkheads {
    #[must_use]
    pub fn new(clock: Clock, metrics: Metrics) -> Self {
        Self {
            clock,
            metrics,
            by_name: Mutex::default(),
        }
    }

    /// Calls the provider of this name, when it is this call's turn. `service` is its kind, such as
    /// `fcm`.
    ///
    /// # Errors
    /// Those of the call, and a temporary failure while the provider is left alone: nothing was sent
    /// then. `E` is whatever the call ends with otherwise.
    pub async fn call<E, F>(
        &self,
        name: &str,
        service: &'static str,
        call: impl FnOnce() -> F,
    ) -> Result<(), E>
    where
        E: From<ProviderFailure> + AsFailure,
        F: Future<Output = Result<(), E>>,
    {
        let bulkhead = self.bulkhead(name);

        let Ok(_permit) = bulkhead.permits.acquire().await else {
            return Err(not_tried(service, Duration::ZERO).into());
        };

        // Only now: what was learnt while this call waited counts.
        let admitted = bulkhead.breaker.lock().admit(self.clock.now());
        if let Err(after) = admitted {
            return Err(not_tried(service, after).into());
        }

        let result = call().await;

        let failure = result.as_ref().err().map(AsFailure::as_failure);
        match failure {
            // Nothing was sent, which tells nothing of the provider.
            Some(None) => {}
            Some(Some(failure)) => self.record(&bulkhead, name, Some(failure)),
            None => self.record(&bulkhead, name, None),
        }

        result
    }

    /// One warning for an episode, however many calls fail in it.
    fn record(&self, bulkhead: &Bulkhead, name: &str, failure: Option<&ProviderFailure>) {
        if let Some(failure) = failure {
            self.metrics.provider_failed(name, failure.cause.as_str());
        }

        let outage = failure.filter(|failure| failure.cause.is_outage());
        let change = bulkhead
            .breaker
            .lock()
            .record(outage.is_none(), self.clock.now());

        match (change, outage) {
            (Change::Began, Some(failure)) => tracing::warn!(
                provider = name,
                cause = failure.cause.as_str(),
                %failure,
                "a provider does not answer: its messages wait"
            ),
            (Change::Ended, _) => tracing::info!(provider = name, "a provider answers again"),
            _ => {}
        }
    }

    fn bulkhead(&self, name: &str) -> Arc<Bulkhead> {
        let mut by_name = self.by_name.lock();
        if let Some(bulkhead) = by_name.get(name) {
            return Arc::clone(bulkhead);
        }

        if by_name.len() >= PROVIDERS_MAX {
            by_name.clear();
        }

        let bulkhead = Arc::new(Bulkhead {
            permits: Semaphore::new(CALLS_MAX),
            breaker: Mutex::new(Breaker::new()),
        });
        by_name.insert(name.to_owned(), Arc::clone(&bulkhead));

        bulkhead
    }
}

/// What a call ended with, seen from the bulkhead.
pub trait AsFailure {
    /// The provider's failure. `None` where nothing was sent.
    fn as_failure(&self) -> Option<&ProviderFailure>;
}

impl AsFailure for ProviderFailure {
    fn as_failure(&self) -> Option<&ProviderFailure> {
        Some(self)
    }
}

fn not_tried(service: &'static str, after: Duration) -> ProviderFailure {
    ProviderFailure {
        provider: service,
        kind: FailureKind::Retry { after: Some(after) },
        cause: Cause::NotTried,
        detail: "not tried: it has not answered lately".into(),
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;
    use crate::clock::Timestamp;

    fn failure(cause: Cause) -> ProviderFailure {
        ProviderFailure {
            provider: "fcm",
            kind: FailureKind::Retry { after: None },
            cause,
            detail: "on purpose".into(),
        }
    }

    #[tokio::test]
    async fn a_provider_that_hangs_takes_no_others_places() {
        let bulkheads = Bulkheads::new(Clock::system(), Metrics::new());
        let hanging = join_all((0..2 * CALLS_MAX).map(|_| {
            bulkheads.call("android", "fcm", || {
                std::future::pending::<Result<(), ProviderFailure>>()
            })
        }));

        let other = bulkheads.call("ios", "apns", async || Ok::<_, ProviderFailure>(()));

        tokio::select! {
            biased;
            _ = hanging => unreachable!("it hangs"),
            sent = other => assert_eq!(sent, Ok(())),
        }
    }

    #[tokio::test]
    async fn a_provider_that_is_down_is_left_alone_and_others_are_not() {
        let clock = Clock::manual(Timestamp::from_millis(0));
        let bulkheads = Bulkheads::new(clock.clone(), Metrics::new());
        let call = async |name, result: Result<(), ProviderFailure>| {
            bulkheads.call(name, "fcm", async || result).await
        };

        // Refusals of single messages are no outage.
        for _ in 0..20 {
            let refused = call("android", Err(failure(Cause::Answered))).await;
            assert_eq!(refused.unwrap_err().cause, Cause::Answered);
        }

        for _ in 0..5 {
            let down = call("android", Err(failure(Cause::TimeoutAfter))).await;
            assert_eq!(down.unwrap_err().cause, Cause::TimeoutAfter);
        }

        let not_tried = call("android", Ok(())).await.unwrap_err();
        assert_eq!(not_tried.cause, Cause::NotTried);
        assert_eq!(call("ios", Ok(())).await, Ok(()));

        clock.advance(Duration::from_secs(2));
        assert_eq!(call("android", Ok(())).await, Ok(()));
        assert_eq!(call("android", Ok(())).await, Ok(()));
    }
}
