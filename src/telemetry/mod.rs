//! Logs and metrics. Neither contains secrets.

pub mod logs;
pub mod metrics;
mod redaction;

pub use metrics::{Gauge, Metrics};
