//! Counters and gauges for Prometheus, in a struct instead of globals.
//!
//! Labels come from fixed sets (routes, methods, outcomes), never from requests: they contain no
//! users, devices, transactions or addresses.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use prometheus::core::Collector;
use prometheus::{
    HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

/// The server's metrics. Cheap to clone; all clones share them.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Inner>);

/// What others count themselves and is asked for when the metrics are rendered. Counts are since
/// the start.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Pending transactions in memory.
    pub live_transactions: usize,
    /// Commits of the journal.
    pub journal_commits: u64,
    /// Changes by what became of them: `committed`, `refused`, `failed`.
    pub journal_entries: [(&'static str, u64); 3],
    /// Rows that the journal wrote.
    pub journal_rows: u64,
    /// How many commits had up to how many changes and more than the bound before; without a bound:
    /// more than all.
    pub journal_batches: Vec<(Option<usize>, u64)>,
    /// What waits for the database: by `journal`, `queries`.
    pub store_queue: [(&'static str, usize); 2],
}

#[derive(Debug)]
struct Inner {
    registry: Registry,
    /// Held while counts are taken over and rendered.
    rendering: Mutex<()>,
    http_requests: IntCounterVec,
    http_request_seconds: HistogramVec,
    live_transactions: IntGauge,
    waiting_requests: IntGauge,
    transactions_started: IntCounterVec,
    transactions_finished: IntCounterVec,
    journal_commits: IntCounter,
    journal_entries: IntCounterVec,
    journal_rows: IntCounter,
    journal_batches: IntCounterVec,
    store_queue: IntGaugeVec,
    provider_sends: IntCounterVec,
    callbacks: IntCounterVec,
    callbacks_in_flight: IntGauge,
    actor_panics: IntCounterVec,
    refusals: IntCounterVec,
}

/// The upper bounds of the histogram's buckets, in seconds. A request may wait for up to a minute.
const SECONDS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0,
];

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    #[must_use]
    pub fn new() -> Self {
        let make = Make(Registry::new());
        Self(Arc::new(Inner {
            http_requests: make.counters(
                "http_requests_total",
                "HTTP requests answered.",
                &["route", "method", "status"],
            ),
            http_request_seconds: make.seconds("http_request_seconds", "Time to the response.", &["route", "method"]),
            live_transactions: make.gauge("live_transactions", "Transactions in memory that are pending."),
            waiting_requests: make.gauge("waiting_requests", "Requests that wait for something to happen."),
            transactions_started: make.counters("transactions_started_total", "Transactions started.", &["method"]),
            transactions_finished: make.counters(
                "transactions_finished_total",
                "Transactions ended.",
                &["method", "status"],
            ),
            journal_commits: make.counter("journal_commits_total", "Commits of the journal."),
            journal_entries: make.counters(
                "journal_entries_total",
                "Changes given to the journal, by outcome.",
                &["outcome"],
            ),
            journal_rows: make.counter("journal_rows_total", "Rows written by the journal."),
            journal_batches: make.counters(
                "journal_batches_total",
                "Commits by the number of changes in them: up to this and more than the one before.",
                &["entries_max"],
            ),
            store_queue: make.gauges("store_queue", "Work that waits for the database.", &["queue"]),
            provider_sends: make.counters(
                "provider_sends_total",
                "Messages sent to providers, by outcome.",
                &["provider", "outcome"],
            ),
            callbacks: make.counters("callbacks_total", "Attempts of callbacks, by outcome.", &["outcome"]),
            callbacks_in_flight: make.gauge("callbacks_in_flight", "Callbacks in flight."),
            actor_panics: make.counters("actor_panics_total", "Actors that panicked.", &["actor"]),
            refusals: make.counters("refusals_total", "Requests refused because a limit was reached.", &["bound"]),
            rendering: Mutex::new(()),
            registry: make.0,
        }))
    }

    /// Counts a response. `route` is the pattern, not the path.
    pub fn request_answered(&self, route: &str, method: &str, status: u16, took: Duration) {
        self.0
            .http_requests
            .with_label_values(&[route, method, status_text(status)])
            .inc();
        self.0
            .http_request_seconds
            .with_label_values(&[route, method])
            .observe(took.as_secs_f64());
    }

    /// The gauge of requests that wait for something to happen.
    #[must_use]
    pub fn waiting_requests(&self) -> &IntGauge {
        &self.0.waiting_requests
    }

    pub fn transaction_started(&self, method: &str) {
        self.0
            .transactions_started
            .with_label_values(&[method])
            .inc();
    }

    pub fn transaction_finished(&self, method: &str, status: &str) {
        self.0
            .transactions_finished
            .with_label_values(&[method, status])
            .inc();
    }

    /// Counts a message to a provider: `apns`, `fcm`, `twilio` or `http`, with an outcome such as
    /// `sent`, `retry` or `dead_address`.
    pub fn provider_answered(&self, provider: &str, outcome: &str) {
        self.0
            .provider_sends
            .with_label_values(&[provider, outcome])
            .inc();
    }

    /// Counts an attempt of a callback: `delivered`, `retry` or `dead`.
    pub fn callback_attempted(&self, outcome: &str) {
        self.0.callbacks.with_label_values(&[outcome]).inc();
    }

    /// The gauge of callbacks in flight.
    #[must_use]
    pub fn callbacks_in_flight(&self) -> &IntGauge {
        &self.0.callbacks_in_flight
    }

    pub fn actor_panicked(&self, actor: &str) {
        self.0.actor_panics.with_label_values(&[actor]).inc();
    }

    /// Counts a request that was refused because a limit was reached.
    pub fn refused(&self, bound: &str) {
        self.0.refusals.with_label_values(&[bound]).inc();
    }

    /// All metrics in Prometheus' text format (`text/plain; version=0.0.4`).
    #[must_use]
    pub fn render(&self, snapshot: &Snapshot) -> String {
        let _one_at_a_time = self.0.rendering.lock();
        self.take_over(snapshot);
        TextEncoder::new()
            .encode_to_string(&self.0.registry.gather())
            .unwrap_or_default()
    }

    fn take_over(&self, snapshot: &Snapshot) {
        self.0
            .live_transactions
            .set(gauge(snapshot.live_transactions));
        set(&self.0.journal_commits, snapshot.journal_commits);
        set(&self.0.journal_rows, snapshot.journal_rows);

        for (outcome, count) in snapshot
            .journal_entries
            .iter()
            .filter(|(outcome, _)| !outcome.is_empty())
        {
            set(
                &self.0.journal_entries.with_label_values(&[*outcome]),
                *count,
            );
        }

        for (bound, count) in &snapshot.journal_batches {
            let bound = bound.map_or_else(|| "more".to_owned(), |bound| bound.to_string());
            set(
                &self.0.journal_batches.with_label_values(&[bound.as_str()]),
                *count,
            );
        }

        for (queue, length) in snapshot
            .store_queue
            .iter()
            .filter(|(queue, _)| !queue.is_empty())
        {
            self.0
                .store_queue
                .with_label_values(&[*queue])
                .set(gauge(*length));
        }
    }
}

/// Takes a count over that somebody else keeps. Nobody reads in between: rendering is done by one
/// at a time.
fn set(counter: &IntCounter, count: u64) {
    counter.reset();
    counter.inc_by(count);
}

fn gauge(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// The status codes that the server uses, as text without an allocation per request.
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

#[expect(
    clippy::expect_used,
    reason = "names and labels are constants; a test makes them all"
)]
impl Make {
    fn add<T: Collector + Clone + 'static>(&self, made: prometheus::Result<T>) -> T {
        let metric = made.expect("a valid name and labels");
        self.0
            .register(Box::new(metric.clone()))
            .expect("a name of its own");
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

    fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
        self.add(IntGaugeVec::new(Opts::new(full(name), help), labels))
    }

    fn seconds(&self, name: &str, help: &str, labels: &[&str]) -> HistogramVec {
        self.add(HistogramVec::new(
            HistogramOpts::new(full(name), help).buckets(SECONDS.to_vec()),
            labels,
        ))
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

        let snapshot = Snapshot {
            live_transactions: 1,
            journal_commits: 3,
            journal_entries: [("committed", 7), ("refused", 0), ("failed", 0)],
            journal_rows: 200,
            journal_batches: vec![(Some(1), 2), (None, 1)],
            store_queue: [("journal", 4), ("queries", 0)],
        };

        drop(metrics.render(&snapshot));
        let text = metrics.render(&snapshot);

        for line in [
            "countersign_callbacks_total{outcome=\"delivered\"} 2",
            "countersign_http_requests_total{method=\"POST\",route=\"/oauth/token\",status=\"200\"} 1",
            "countersign_journal_rows_total 200",
            "countersign_journal_entries_total{outcome=\"committed\"} 7",
            "countersign_journal_batches_total{entries_max=\"more\"} 1",
            "countersign_store_queue{queue=\"journal\"} 4",
            "countersign_live_transactions 1",
        ] {
            assert!(text.contains(line), "{line} is missing in\n{text}");
        }
    }
}
