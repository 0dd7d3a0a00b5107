//! Requests that wait for something to happen: bounded in number, and ended early when the server
//! stops.

use std::future::Future;
use std::time::Duration;

use futures_util::future::{Either, select};

use prometheus::IntGauge;

use super::Api;

/// Asks with the wait; asks again without one when the server stops meanwhile, so that the answer
/// tells how things stand. Where too many wait already, the answer is `busy`.
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
    let Some(_place) = api.gate().wait() else {
        api.app().base.metrics.refused("waiting_requests");
        return Err(busy);
    };
    let _counted = Counted::up(api.app().base.metrics.waiting_requests());
    let answered = select(Box::pin(ask(wait)), Box::pin(api.stopped())).await;
    match answered {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => ask(Duration::ZERO).await,
    }
}

/// Counted in a gauge until it is dropped, which happens too when the caller hangs up.
struct Counted<'a>(&'a IntGauge);

impl<'a> Counted<'a> {
    fn up(gauge: &'a IntGauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}
