//! Counters and gauges for Prometheus, in a struct instead of globals.
//!
//! Labels come from fixed sets (routes, methods, outcomes), never from requests: they contain no
//! users, devices, transactions or addresses.

mod make;
mod store;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use prometheus::{HistogramVec, IntCounter, IntCounterVec, IntGauge, Registry, TextEncoder};

use make::Make;

/// A value that goes up and down. Clones are one.
pub use prometheus::IntGauge as Gauge;
pub use store::{JournalCounts, StoreMetrics};

use super::logs::DroppedRecords;

/// The server's metrics. Cheap to clone; all clones share them.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Registry,
    http_requests: IntCounterVec,
    http_request_seconds: HistogramVec,
    live_transactions: IntGauge,
    live_channels: IntGauge,
    settings_revision: IntGauge,
    waiting_requests: IntGauge,
    transactions_started: IntCounterVec,
    transactions_finished: IntCounterVec,
    store: StoreMetrics,
    provider_sends: IntCounterVec,
    provider_failures: IntCounterVec,
    callbacks: IntCounterVec,
    callbacks_in_flight: IntGauge,
    actor_panics: IntCounterVec,
    refusals: IntCounterVec,
    log_records_dropped: IntCounter,
    dropped_logs: OnceLock<DroppedRecords>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    #[must_use]
    pub fn new() -> Self {
        let make = Make::new();
        Self(Arc::new(Inner {
            http_requests: make.counters(
                "http_requests_total",
                "HTTP requests answered.",
                &["route", "method", "status"],
            ),
            http_request_seconds: make.seconds(
                "http_request_seconds",
                "Time to the response.",
                &["route", "method"],
            ),
            live_transactions: make.gauge("live_transactions", "Pending transactions in memory."),
            settings_revision: make.gauge(
                "settings_revision",
                "The revision of the settings in force. Servers that differ for long cannot read the new ones.",
            ),
            live_channels: make.gauge(
                "live_channels",
                "Devices with something in flight, in memory.",
            ),
            waiting_requests: make.gauge(
                "waiting_requests",
                "Requests that wait for something to happen.",
            ),
            transactions_started: make.counters(
                "transactions_started_total",
                "Transactions started.",
                &["method"],
            ),
            transactions_finished: make.counters(
                "transactions_finished_total",
                "Transactions ended.",
                &["method", "status"],
            ),
            store: StoreMetrics::new(&make),
            provider_sends: make.counters(
                "provider_sends_total",
                "Messages sent to providers, by outcome.",
                &["provider", "outcome"],
            ),
            provider_failures: make.counters(
                "provider_failures_total",
                "Calls to providers that failed, by push configuration or SMS gateway.",
                &["name", "cause"],
            ),
            callbacks: make.counters(
                "callbacks_total",
                "Attempts of callbacks, by outcome.",
                &["outcome"],
            ),
            callbacks_in_flight: make.gauge("callbacks_in_flight", "Callbacks in flight."),
            actor_panics: make.counters("actor_panics_total", "Actors that panicked.", &["actor"]),
            refusals: make.counters(
                "refusals_total",
                "Requests refused because a limit was reached.",
                &["bound"],
            ),
            log_records_dropped: make.counter(
                "log_records_dropped_total",
                "Records of the log that were dropped because nobody read them fast enough.",
            ),
            dropped_logs: OnceLock::new(),
            registry: make.into_registry(),
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

    /// Pending transactions in memory.
    #[must_use]
    pub fn live_transactions(&self) -> &IntGauge {
        &self.0.live_transactions
    }

    /// The revision of the settings in force.
    pub fn settings_revision(&self, revision: i64) {
        self.0.settings_revision.set(revision);
    }

    /// Devices with something in flight, in memory.
    #[must_use]
    pub fn live_channels(&self) -> &IntGauge {
        &self.0.live_channels
    }

    /// What the store counts.
    #[must_use]
    pub fn store(&self) -> &StoreMetrics {
        &self.0.store
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

    /// Counts a call to a provider that failed, by the name that administrators gave it and the
    /// cause, such as `dns` or `timeout_after`.
    pub fn provider_failed(&self, name: &str, cause: &str) {
        self.0
            .provider_failures
            .with_label_values(&[name, cause])
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

    /// Shows how many records of the log were dropped.
    pub fn count_dropped_logs(&self, dropped: DroppedRecords) {
        // Logging starts once.
        let _ = self.0.dropped_logs.set(dropped);
    }

    /// All metrics in Prometheus' text format (`text/plain; version=0.0.4`).
    #[must_use]
    pub fn render(&self) -> String {
        if let Some(dropped) = self.0.dropped_logs.get() {
            let shown = &self.0.log_records_dropped;
            shown.inc_by(dropped.count().saturating_sub(shown.get()));
        }

        TextEncoder::new()
            .encode_to_string(&self.0.registry.gather())
            .unwrap_or_default()
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_count_together_and_everything_is_rendered() {
        let metrics = Metrics::new();
        metrics.clone().callback_attempted("delivered");
        metrics.callback_attempted("delivered");
        metrics.request_answered("/oauth/token", "POST", 200, Duration::from_millis(3));
        metrics.live_transactions().inc();
        metrics.store().committed(7, 2, 200);
        metrics.store().committed(400, 0, 400);
        metrics.store().failed(1);
        metrics.store().journal_queue().set(4);

        let text = metrics.render();

        for line in [
            "countersign_callbacks_total{outcome=\"delivered\"} 2",
            "countersign_http_requests_total{method=\"POST\",route=\"/oauth/token\",status=\"200\"} 1",
            "countersign_journal_commits_total 2",
            "countersign_journal_rows_total 600",
            "countersign_journal_entries_total{outcome=\"committed\"} 405",
            "countersign_journal_entries_total{outcome=\"refused\"} 2",
            "countersign_journal_entries_total{outcome=\"failed\"} 1",
            "countersign_journal_batches_total{entries_max=\"8\"} 1",
            "countersign_journal_batches_total{entries_max=\"more\"} 1",
            "countersign_store_queue{queue=\"journal\"} 4",
            "countersign_live_transactions 1",
        ] {
            assert!(text.contains(line), "{line} is missing in\n{text}");
        }
    }
}
