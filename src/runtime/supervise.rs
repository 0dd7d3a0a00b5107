//! Loops that must not end before the server does.

use std::future::Future;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::telemetry::Metrics;

const BACK_OFF_MIN: Duration = Duration::from_millis(100);
const BACK_OFF_MAX: Duration = Duration::from_secs(30);

/// Tells everything in the server that it is time to end.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Sender<bool>);

/// Sees when a [`Shutdown`] was called.
#[derive(Clone, Debug)]
pub struct ShutdownSignal(watch::Receiver<bool>);

impl Default for Shutdown {
    fn default() -> Self {
        Self(watch::channel(false).0)
    }
}

impl Shutdown {
    /// It is time.
    pub fn begin(&self) {
        self.0.send_replace(true);
    }

    /// For those who have to know.
    #[must_use]
    pub fn signal(&self) -> ShutdownSignal {
        ShutdownSignal(self.0.subscribe())
    }
}

impl ShutdownSignal {
    /// Whether it has begun. Where nobody is left who could begin it, the server is gone: that
    /// counts, too.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }

    /// Completes when it begins.
    pub async fn begun(&mut self) {
        // An error means that nobody is left who could begin it.
        drop(self.0.wait_for(|begun| *begun).await);
    }
}

/// Runs the future that `make` makes until shutdown. When it ends or panics, another one is made
/// after a pause that grows to 30 s. Panics are counted.
pub async fn supervise<F, M>(
    name: &'static str,
    clock: &Clock,
    metrics: &Metrics,
    mut shutdown: ShutdownSignal,
    mut make: M,
) where
    M: FnMut() -> F,
    F: Future<Output = ()>,
{
    let mut back_off = BACK_OFF_MIN;
    loop {
        let started = clock.now();

        let ended = tokio::select! {
            ended = std::panic::AssertUnwindSafe(make()).catch_unwind() => ended,
            () = shutdown.begun() => return,
        };
        if ended.is_err() {
            metrics.actor_panicked(name);
            tracing::error!(
                task = name,
                "a background task panicked and is started anew"
            );
        }

        if clock.now().since(started) > BACK_OFF_MAX {
            back_off = BACK_OFF_MIN;
        }

        tokio::select! {
            () = clock.sleep(back_off) => {}
            () = shutdown.begun() => return,
        }

        back_off = (back_off * 2).min(BACK_OFF_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_shutdown_that_nobody_can_begin_has_begun() {
        let shutdown = Shutdown::default();
        let mut signal = shutdown.signal();
        assert!(!signal.has_begun());
        drop(shutdown);
        signal.begun().await;
        assert!(signal.has_begun());
    }
}
