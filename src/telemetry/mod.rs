//! What the server tells about itself: logs and metrics, neither of which shows a secret.

pub mod logs;
pub mod metrics;
mod redaction;

pub use metrics::{Metrics, Snapshot};
