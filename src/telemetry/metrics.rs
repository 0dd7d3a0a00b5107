//! Counters and gauges for Prometheus, in a struct that is handed around.
//!
//! Labels come from fixed sets (routes, methods, outcomes), never from requests: no user, device, transaction or address.

use std::sync::Arc;
use std::time::Duration;

use prometheus::core::Collector;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
};

/// The server's metrics. Cheap to clone; clones count together.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Registry,
    http_requests: IntCounterVec,
    http_request_seconds: HistogramVec,
    live_transactions: IntGauge,
    waiting_requests: IntGauge,
    transactions_started: IntCounterVec,
    transactions_finished: IntCounterVec,
    journal_commits: IntCounter,
    journal_rows: IntCounter,
    journal_batch_rows: Histogram,
    store_queue: IntGauge,
    provider_sends: IntCounterVec,
    callbacks: IntCounterVec,
    callbacks_in_flight: IntGauge,
    actor_panics: IntCounterVec,
    refusals: IntCounterVec,
}

/// From half a millisecond to a minute: the longest a request may wait.
const SECONDS: &[f64] = &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0];
const ROWS: &[f64] = &[1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0];

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Fresh ones, all zero.
    #[must_use]
    pub fn new() -> Self {
        let make = Make(Registry::new());
        Self(Arc::new(Inner {
            http_requests: make.counters(
                "http_requests_total",
                "HTTP requests answered.",
                &["route", "method", "status"],
            ),
            http_request_seconds: make.seconds("http_request_seconds", "Time to the answer.", &["route", "method"]),
            live_transactions: make.gauge("live_transactions", "Transactions in memory that are pending."),
            waiting_requests: make.gauge("waiting_requests", "Requests that wait for something to happen."),
            transactions_started: make.counters("transactions_started_total", "Transactions started.", &["method"]),
            transactions_finished: make.counters(
                "transactions_finished_total",
                "Transactions ended.",
                &["method", "status"],
            ),
            journal_commits: make.counter("journal_commits_total", "Commits of the journal."),
            journal_rows: make.counter("journal_rows_total", "Changes committed by the journal."),
            journal_batch_rows: make.histogram("journal_batch_rows", "Changes that shared a commit.", ROWS),
            store_queue: make.gauge("store_queue", "Work that waits for the database."),
            provider_sends: make.counters(
                "provider_sends_total",
                "Messages handed to providers.",
                &["provider", "outcome"],
            ),
            callbacks: make.counters("callbacks_total", "Attempts to call back a website.", &["outcome"]),
            callbacks_in_flight: make.gauge("callbacks_in_flight", "Callbacks on their way."),
            actor_panics: make.counters("actor_panics_total", "Actors that ended by a panic.", &["actor"]),
            refusals: make.counters("refusals_total", "Requests refused because a bound was reached.", &["bound"]),
            registry: make.0,
        }))
    }

    /// A request was answered. `route` is the pattern, not the path.
    pub fn request_answered(&self, route: &str, method: &str, status: u16, took: Duration) {
        self.0.http_requests.with_label_values(&[route, method, status_text(status)]).inc();
        self.0.http_request_seconds.with_label_values(&[route, method]).observe(took.as_secs_f64());
    }

    /// Transactions in memory that are pending.
    #[must_use]
    pub fn live_transactions(&self) -> &IntGauge {
        &self.0.live_transactions
    }

    /// Requests that wait for something to happen.
    #[must_use]
    pub fn waiting_requests(&self) -> &IntGauge {
        &self.0.waiting_requests
    }

    /// A transaction started.
    pub fn transaction_started(&self, method: &str) {
        self.0.transactions_started.with_label_values(&[method]).inc();
    }

    /// A transaction ended.
    pub fn transaction_finished(&self, method: &str, status: &str) {
        self.0.transactions_finished.with_label_values(&[method, status]).inc();
    }

    /// The journal committed so many changes at once.
    pub fn journal_committed(&self, rows: usize) {
        self.0.journal_commits.inc();
        self.0.journal_rows.inc_by(rows as u64);
        self.0.journal_batch_rows.observe(u32::try_from(rows).unwrap_or(u32::MAX).into());
    }

    /// Work that waits for the database.
    #[must_use]
    pub fn store_queue(&self) -> &IntGauge {
        &self.0.store_queue
    }

    /// A message was handed to a provider: `apns`, `fcm`, `twilio`, `http`; `sent`, `retry`, `dead_address`, and so on.
    pub fn provider_answered(&self, provider: &str, outcome: &str) {
        self.0.provider_sends.with_label_values(&[provider, outcome]).inc();
    }

    /// An attempt to call back ended: `delivered`, `retry`, `dead`.
    pub fn callback_attempted(&self, outcome: &str) {
        self.0.callbacks.with_label_values(&[outcome]).inc();
    }

    /// Callbacks on their way.
    #[must_use]
    pub fn callbacks_in_flight(&self) -> &IntGauge {
        &self.0.callbacks_in_flight
    }

    /// An actor ended by a panic.
    pub fn actor_panicked(&self, actor: &str) {
        self.0.actor_panics.with_label_values(&[actor]).inc();
    }

    /// Something was refused because a bound was reached.
    pub fn refused(&self, bound: &str) {
        self.0.refusals.with_label_values(&[bound]).inc();
    }

    /// Everything in Prometheus' text format (`text/plain; version=0.0.4`).
    #[must_use]
    pub fn render(&self) -> String {
        TextEncoder::new().encode_to_string(&self.0.registry.gather()).unwrap_or_default()
    }
}

/// The status codes the server answers with, without an allocation for each request.
fn status_text(status: u16) -> &'static str {
    match status {
        200 => "200",
        201 => "201",
        204 => "204",
        302 => "302",
        303 => "303",
        304 => "304",
        400 => "400",
        401 => "401",
        403 => "403",
        404 => "404",
        405 => "405",
        408 => "408",
        409 => "409",
        410 => "410",
        412 => "412",
        413 => "413",
        415 => "415",
        422 => "422",
        429 => "429",
        500 => "500",
        503 => "503",
        _ => "other",
    }
}

struct Make(Registry);

#[expect(clippy::expect_used, reason = "names and labels are constants; a test makes them all")]
impl Make {
    fn add<T: Collector + Clone + 'static>(&self, made: prometheus::Result<T>) -> T {
        let metric = made.expect("a valid name and labels");
        self.0.register(Box::new(metric.clone())).expect("a name of its own");
        metric
    }

    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        self.add(IntCounterVec::new(Opts::new(full(name), help), labels))
    }

    fn counter(&self, name: &str, help: &str) -> IntCounter {
        self.add(IntCounter::new(full(name), help))
    }

    fn gauge(&self, name: &str, help: &str) -> IntGauge {
        self.add(IntGauge::new(full(name), help))
    }

    fn histogram(&self, name: &str, help: &str, buckets: &[f64]) -> Histogram {
        self.add(Histogram::with_opts(HistogramOpts::new(full(name), help).buckets(buckets.to_vec())))
    }

    fn seconds(&self, name: &str, help: &str, labels: &[&str]) -> HistogramVec {
        self.add(HistogramVec::new(HistogramOpts::new(full(name), help).buckets(SECONDS.to_vec()), labels))
    }
}

fn full(name: &str) -> String {
    format!("countersign_{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_count_together_and_everything_is_rendered() {
        let metrics = Metrics::new();
        metrics.clone().callback_attempted("delivered");
        metrics.callback_attempted("delivered");
        metrics.request_answered("/oauth/token", "POST", 200, Duration::from_millis(3));
        metrics.journal_committed(200);
        metrics.live_transactions().inc();
        let text = metrics.render();
        for line in [
            "countersign_callbacks_total{outcome=\"delivered\"} 2",
            "countersign_http_requests_total{method=\"POST\",route=\"/oauth/token\",status=\"200\"} 1",
            "countersign_journal_rows_total 200",
            "countersign_live_transactions 1",
        ] {
            assert!(text.contains(line), "{line} is missing in\n{text}");
        }
    }
}
