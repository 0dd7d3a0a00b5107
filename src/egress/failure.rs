//! Why a provider did not take a message, and what to do about it.

use std::borrow::Cow;
use std::time::Duration;

use super::cause::Cause;
use crate::clock::Timestamp;

/// What to do about a provider's failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// Temporary, and the provider surely did not take the message: try again.
    Retry {
        /// `Retry-After`: not earlier than this.
        after: Option<Duration>,
    },
    /// The request was sent and no answer of the provider's arrived: it may have taken the message.
    /// Try once more at most.
    Doubtful,
    /// The address is gone.
    DeadAddress {
        /// Since when, where the provider says so. An address registered later is not meant.
        since: Option<Timestamp>,
    },
    /// Our configuration is wrong: credentials, topic, project. Trying again is of no use until it
    /// is changed.
    Configuration,
    /// The provider refuses this message or this recipient for good.
    Blocked,
}

impl FailureKind {
    /// What an HTTP status means where the provider gives no reason of its own.
    pub(crate) const fn from_status(status: u16, after: Option<Duration>) -> Self {
        match status {
            // A proxy or load balancer speaks. What became of the request behind it, it cannot know.
            502 | 504 => Self::Doubtful,
            408 | 425 | 429 | 500..=599 => Self::Retry { after },
            401 | 403 | 404 | 405 | 407 | 300..=399 => Self::Configuration,
            _ => Self::Blocked,
        }
    }

    /// The name in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retry { .. } => "retry",
            Self::Doubtful => "doubtful",
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
    /// The provider's name in metrics, such as `fcm` or `twilio`.
    pub provider: &'static str,
    pub kind: FailureKind,
    pub cause: Cause,
    /// The provider's reason code or ours. Never an address, a number or a token.
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
            cause: Cause::Configuration,
            detail: Cow::Borrowed(detail),
        }
    }

    /// No answer arrived, or none that can be read. Tells the kind of trouble only: the error's own
    /// text names the URL, which may hold the address.
    pub(crate) fn unreachable(provider: &'static str, error: &reqwest::Error) -> Self {
        let cause = Cause::of(error);
        let retry = FailureKind::Retry { after: None };

        let (kind, detail) = match cause {
            Cause::Configuration => (FailureKind::Configuration, "request cannot be built"),
            Cause::TimeoutAfter => (FailureKind::Doubtful, "timeout"),
            Cause::ConnectionLost => (FailureKind::Doubtful, "connection lost"),
            // Nothing was written yet.
            _ => (retry, "cannot connect"),
        };

        Self {
            provider,
            kind,
            cause,
            detail: Cow::Borrowed(detail),
        }
    }

    /// The same failure, where the request that failed did not carry the message itself.
    pub(crate) fn before_the_message(mut self) -> Self {
        if self.kind == FailureKind::Doubtful {
            self.kind = FailureKind::Retry { after: None };
        }

        self
    }

    /// The provider refused with this status. Its reason is passed on if it looks like a code.
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
            cause: match status {
                500..=599 => Cause::ServerError,
                _ => Cause::Answered,
            },
            detail: Cow::Owned(detail),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses() {
        let after = Some(Duration::from_secs(7));
        let retry = FailureKind::Retry { after };
        let cases = [
            (200, FailureKind::Blocked),
            (302, FailureKind::Configuration),
            (400, FailureKind::Blocked),
            (401, FailureKind::Configuration),
            (403, FailureKind::Configuration),
            (404, FailureKind::Configuration),
            (408, retry),
            (422, FailureKind::Blocked),
            (429, retry),
            (500, retry),
            (502, FailureKind::Doubtful),
            (503, retry),
            (504, FailureKind::Doubtful),
        ];

        for (status, kind) in cases {
            assert_eq!(FailureKind::from_status(status, after), kind, "{status}");
        }
    }

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
