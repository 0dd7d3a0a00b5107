//! The providers against their stand-ins, over real connections.

mod sms;

use std::time::Duration;

use countersign::egress::{Egress, EgressSettings, FailureKind};

/// Waits so briefly that a provider that hangs is no matter of seconds.
fn impatient() -> Egress {
    Egress::new(EgressSettings { request_timeout: Duration::from_millis(200), ..EgressSettings::default() })
}

const RETRY: FailureKind = FailureKind::Retry { after: None };

fn retry_after(seconds: u64) -> FailureKind {
    FailureKind::Retry { after: Some(Duration::from_secs(seconds)) }
}
