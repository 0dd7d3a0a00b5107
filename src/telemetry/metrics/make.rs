//! Makes metrics and registers them.

use prometheus::core::Collector;
use prometheus::{
    HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

/// The upper bounds of the histogram's buckets, in seconds. A request may wait for up to a minute.
const SECONDS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0,
];

/// Every metric made here is registered, under a name that begins with `countersign_`.
pub(super) struct Make(Registry);

#[expect(
    clippy::expect_used,
    reason = "names and labels are constants; a test makes them all"
)]
impl Make {
    pub(super) fn new() -> Self {
        Self(Registry::new())
    }

    /// All that was made, for rendering.
    pub(super) fn into_registry(self) -> Registry {
        self.0
    }

    fn add<T: Collector + Clone + 'static>(&self, made: prometheus::Result<T>) -> T {
        let metric = made.expect("a valid name and labels");
        self.0
            .register(Box::new(metric.clone()))
            .expect("a name of its own");
        metric
    }

    pub(super) fn counters(&self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        self.add(IntCounterVec::new(Opts::new(full(name), help), labels))
    }

    pub(super) fn counter(&self, name: &str, help: &str) -> IntCounter {
        self.add(IntCounter::new(full(name), help))
    }

    pub(super) fn gauge(&self, name: &str, help: &str) -> IntGauge {
        self.add(IntGauge::new(full(name), help))
    }

    pub(super) fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
        self.add(IntGaugeVec::new(Opts::new(full(name), help), labels))
    }

    pub(super) fn seconds(&self, name: &str, help: &str, labels: &[&str]) -> HistogramVec {
        self.add(HistogramVec::new(
            HistogramOpts::new(full(name), help).buckets(SECONDS.to_vec()),
            labels,
        ))
    }
}

fn full(name: &str) -> String {
    format!("countersign_{name}")
}
