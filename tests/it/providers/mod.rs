//! The providers against their stand-ins, over real connections.

mod apns;
mod control;
mod fcm;
mod proxy;
mod sms;

use std::sync::Arc;
use std::time::Duration;

use countersign::clock::{Clock, Timestamp};
use countersign::egress::{Egress, EgressSettings, FailureKind};
use countersign::push::{PushDestination, PushMessage};
use countersign::sandbox::{Sandbox, SandboxOptions};
use countersign::settings::{ApnsEnvironment, PushConfiguration};

use crate::support::sandbox::secret;

const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const TRANSACTION: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

/// A sandbox whose clock the test moves.
fn sandbox() -> (Sandbox, Clock) {
    let clock = Clock::manual(START);
    let options = SandboxOptions {
        clock: clock.clone(),
        ..SandboxOptions::default()
    };
    (Sandbox::start(options).unwrap(), clock)
}

fn destination(configuration: PushConfiguration, address: &str) -> PushDestination {
    PushDestination {
        configuration: Arc::new(configuration),
        environment: ApnsEnvironment::Development,
        bundle_id: Some("com.example.bank".to_owned()),
        address: secret(address),
    }
}

/// Ends two minutes after [`START`].
fn push() -> PushMessage {
    PushMessage {
        transaction_id: TRANSACTION.parse().ok(),
        profile_id: "AB12CD".parse().unwrap(),
        message: secret("Log in to Demo Bank?"),
        expires_at: START.after(Duration::from_secs(120)),
    }
}

/// Times out early. Only for providers that hang: on a busy machine others are slow, too.
fn impatient() -> Egress {
    Egress::new(EgressSettings {
        request_timeout: Duration::from_secs(1),
        ..EgressSettings::default()
    })
}

const RETRY: FailureKind = FailureKind::Retry { after: None };

fn retry_after(seconds: u64) -> FailureKind {
    FailureKind::Retry {
        after: Some(Duration::from_secs(seconds)),
    }
}
