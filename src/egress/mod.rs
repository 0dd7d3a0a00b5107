//! Calls to the outside: HTTP clients with bounds and the outgoing proxy, and what a provider's failure means.

use std::borrow::Cow;
use std::time::Duration;

use crate::clock::Timestamp;

/// What to do about a provider's failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// Passing: try again, not before `after` where the provider said so.
    Retry {
        /// `Retry-After`.
        after: Option<Duration>,
    },
    /// The address is gone. A registration later than `since` is not meant.
    DeadAddress {
        /// Since when, where the provider tells.
        since: Option<Timestamp>,
    },
    /// Our configuration is wrong: credentials, topic, project. Trying again is of no use until it is changed.
    Configuration,
    /// The provider refuses this message or this recipient for good.
    Blocked,
}

/// Why a provider did not take a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{provider}: {detail}")]
pub struct ProviderFailure {
    /// `apns`, `fcm`, `twilio`, `http`.
    pub provider: &'static str,
    /// What to do about it.
    pub kind: FailureKind,
    /// The provider's own reason code or ours, never an address, a number or a token.
    pub detail: Cow<'static, str>,
}
