//! What a provider's failure means.

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
    /// Our configuration is wrong: credentials, topic, project. Trying again is of no use until it
    /// is changed.
    Configuration,
    /// The provider refuses this message or this recipient for good.
    Blocked,
}

impl FailureKind {
    /// The name in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retry { .. } => "retry",
            Self::DeadAddress { .. } => "dead_address",
            Self::Configuration => "configuration",
            Self::Blocked => "blocked",
        }
    }
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

/// The longest reason of a provider that is passed on, in characters.
const DETAIL_CHARACTERS_MAX: usize = 64;

impl ProviderFailure {
    /// Our configuration of the provider cannot work.
    pub(crate) fn configuration(provider: &'static str, detail: &'static str) -> Self {
        Self {
            provider,
            kind: FailureKind::Configuration,
            detail: Cow::Borrowed(detail),
        }
    }

    /// No answer came, or none that can be read. Says what kind of trouble it was and no more: the
    /// error itself names the URL, and with it the address.
    pub(crate) fn unreachable(provider: &'static str, error: &reqwest::Error) -> Self {
        let (kind, detail) = if error.is_builder() {
            (FailureKind::Configuration, "request cannot be built")
        } else if error.is_timeout() {
            (FailureKind::Retry { after: None }, "timeout")
        } else if error.is_connect() {
            (FailureKind::Retry { after: None }, "cannot connect")
        } else {
            (FailureKind::Retry { after: None }, "connection lost")
        };
        Self {
            provider,
            kind,
            detail: Cow::Borrowed(detail),
        }
    }

    /// An answer with this status and the provider's reason code, where it gave one that looks like
    /// a code.
    pub(crate) fn answered(
        provider: &'static str,
        kind: FailureKind,
        status: u16,
        reason: Option<&str>,
    ) -> Self {
        let is_code = |text: &&str| {
            !text.is_empty()
                && text.len() <= DETAIL_CHARACTERS_MAX
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        };
        let detail = match reason.filter(is_code) {
            Some(reason) => format!("status {status}, {reason}"),
            None => format!("status {status}"),
        };
        Self {
            provider,
            kind,
            detail: Cow::Owned(detail),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_codes_are_passed_on() {
        let detail = |reason| {
            ProviderFailure::answered("x", FailureKind::Blocked, 400, Some(reason)).to_string()
        };
        assert_eq!(detail("BadTopic"), "x: status 400, BadTopic");
        assert_eq!(detail("The number +15005550001 is bad"), "x: status 400");
        assert_eq!(detail(&"a".repeat(65)), "x: status 400");
    }
}
