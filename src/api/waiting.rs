//! Requests that wait for something to happen. Their number is limited, and they end early when the
//! server stops.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use prometheus::IntGauge;

use super::context::Api;

/// Calls `ask` with the time to wait. If too many requests wait already, returns `busy`.
///
/// If the server stops meanwhile, calls `ask` again without waiting, so that the response tells the
/// current state.
pub(super) async fn ask<T, E, F>(
    api: &Api,
    wait: Duration,
    busy: E,
    ask: impl Fn(Duration) -> F,
) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
{
    if wait.is_zero() || api.is_stopping() {
        return ask(Duration::ZERO).await;
    }

    let metrics = &api.app.base.metrics;
    let Some(_place) = api.gate.wait() else {
        metrics.refused("waiting_requests");
        return Err(busy);
    };

    let _counted = Counted::new(metrics.waiting_requests());

    match select(pin!(ask(wait)), pin!(api.stopped())).await {
        Either::Left((result, _)) => result,
        Either::Right(_) => ask(Duration::ZERO).await,
    }
}

/// Counts in a gauge until it is dropped, which also happens when the caller disconnects.
struct Counted<'a>(&'a IntGauge);

impl<'a> Counted<'a> {
    fn new(gauge: &'a IntGauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}
