//! Why a request about a transaction was refused.

use std::time::Duration;

use super::types::Status;
use crate::store::StoreError;

/// Why a website's request was refused. The number is its `error_code` on the wire.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebsiteError {
    /// 1000.
    #[error("Mobile authentication is switched off.")]
    MobileAuthenticationDisabled,
    /// 1000.
    #[error("Push authentication is switched off.")]
    PushDisabled,
    /// 1001.
    #[error("The user is unknown or cannot be asked.")]
    NoWayToAsk,
    /// 1002.
    #[error("The push service did not accept the push.")]
    PushNotSent,
    /// 1003.
    #[error("{parameter}: {problem}")]
    InvalidParameter {
        parameter: &'static str,
        problem: String,
    },
    /// 1005.
    #[error("`message` is longer than {characters_max} characters.")]
    MessageTooLong { characters_max: u32 },
    /// 1006.
    #[error("There is no such transaction.")]
    NoSuchTransaction,
    /// 3000.
    #[error("SMS authentication is switched off.")]
    SmsDisabled,
    /// 3001.
    #[error("phone_number: {0}")]
    InvalidPhoneNumber(PhoneNumberProblem),
    /// 3002.
    #[error("The text message could not be sent.")]
    SmsNotSent,
    /// 3003.
    #[error("The code is wrong.")]
    WrongCode {
        /// Further attempts, where there is a limit.
        attempts_left: Option<u32>,
    },
    /// 3004.
    #[error("There is no such pending transaction for this user.")]
    NoSuchPendingTransaction,
    /// 3006.
    #[error("The message may not be sent again: the limit is reached.")]
    ResendLimitReached,
    /// 4000.
    #[error("There is no authentication type of this name.")]
    UnknownType,
    /// `409`.
    #[error("The transaction has already ended.")]
    AlreadyFinal,
    /// `429`.
    #[error("This user was asked too often on this device; try again later.")]
    TooManyPrompts {
        /// The next prompt is possible after this.
        retry_after_seconds: u64,
    },
    /// `429`.
    #[error("Too many text messages to this number or user, or for this website; try again later.")]
    TooManyMessages {
        /// The next one is possible after this.
        retry_after_seconds: u64,
    },
    /// `422`.
    #[error("This Idempotency-Key was used for another request.")]
    IdempotencyKeyReused,
    /// `409`.
    #[error("The first request with this Idempotency-Key is still running; try again shortly.")]
    IdempotencyKeyInUse,
    /// `503`.
    #[error(
        "The server is busy or its database is unavailable; try again shortly. Nothing was changed."
    )]
    Unavailable,
    /// `503`.
    #[error(
        "The database was lost while the change was being saved: it may have been made or not. \
         Repeat the request with the same Idempotency-Key, or read the transaction, to find out."
    )]
    Undecided,
}

impl WebsiteError {
    pub(super) fn too_many_prompts(retry_after: Duration) -> Self {
        Self::TooManyPrompts {
            retry_after_seconds: whole_seconds(retry_after),
        }
    }

    pub(super) fn too_many_messages(retry_after: Duration) -> Self {
        Self::TooManyMessages {
            retry_after_seconds: whole_seconds(retry_after),
        }
    }

    /// The same for a request about a text message: these do not tell a transaction that has ended
    /// from one that never existed.
    pub(super) fn about_sms(self) -> Self {
        match self {
            Self::NoSuchTransaction | Self::AlreadyFinal | Self::NoWayToAsk => {
                Self::NoSuchPendingTransaction
            }
            other => other,
        }
    }
}

impl From<StoreError> for WebsiteError {
    fn from(error: StoreError) -> Self {
        log_unexpected(&error);
        match error {
            StoreError::Undecided => Self::Undecided,
            _ => Self::Unavailable,
        }
    }
}

/// Rounded up: whoever waits as long is not refused again.
fn whole_seconds(time: Duration) -> u64 {
    time.as_millis()
        .div_ceil(1000)
        .try_into()
        .unwrap_or(u64::MAX)
}

/// What is wrong with a phone number, to be read after its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhoneNumberProblem {
    #[error("is required for SMS, in international notation (E.164), such as +15055551234.")]
    Missing,
    #[error("must be in international notation (E.164), such as +15055551234.")]
    Malformed,
    /// A form decodes `+` as a blank.
    #[error("begins with a blank, which is what a form makes of `+`: encode it as %2B.")]
    BlankForPlus,
}

impl PhoneNumberProblem {
    /// What is wrong with this text, which is no phone number.
    pub(super) fn of(text: Option<&str>) -> Self {
        match text {
            None => Self::Missing,
            Some(text) if text.starts_with(' ') => Self::BlankForPlus,
            Some(_) => Self::Malformed,
        }
    }
}

/// Why a device's request about a transaction was refused. The word is its `code` on the wire.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceRequestError {
    /// `not_found` 404.
    #[error("There is no such transaction for this device.")]
    NotFound,
    /// `already_final` 409.
    #[error("The transaction has already ended.")]
    AlreadyFinal { status: Status },
    /// `expired` 410.
    #[error("The transaction has expired.")]
    Expired,
    /// `wrong_authenticator` 403.
    #[error("This authenticator is not enrolled or may not answer this transaction.")]
    WrongAuthenticator,
    /// `invalid_answer` 401.
    #[error("The answer is not a valid signed answer to this transaction.")]
    InvalidAnswer {
        /// Further attempts, where there is a limit.
        attempts_left: Option<u32>,
    },
    /// `clock_skew` 401: the answer is signed rightly, at a time that differs by more than 300 s from the
    /// time here. It does not count as an attempt.
    #[error(
        "The time of the answer is not right: set the clock, or add the difference to `server_time`."
    )]
    ClockSkew {
        /// Seconds since the epoch.
        server_time: i64,
    },
    /// `stale_digest` 422.
    #[error("The answer is about other content; fetch the transaction again.")]
    StaleDigest,
    /// 503.
    #[error(
        "The server is busy or its database is unavailable; try again shortly. Nothing was changed."
    )]
    Unavailable,
    /// 503.
    #[error(
        "The database was lost while the answer was being saved: it may have been saved or not. \
         List the pending transactions to find out."
    )]
    Undecided,
}

impl From<StoreError> for DeviceRequestError {
    fn from(error: StoreError) -> Self {
        log_unexpected(&error);
        match error {
            StoreError::Undecided => Self::Undecided,
            _ => Self::Unavailable,
        }
    }
}

/// Logs an error of the store that does not pass by itself.
pub(super) fn log_unexpected(error: &StoreError) {
    match error {
        StoreError::Unavailable(_) | StoreError::Undecided | StoreError::Overloaded => {}
        StoreError::Corrupt(_)
        | StoreError::Aborted(_)
        | StoreError::Query(_)
        | StoreError::Schema(_)
        | StoreError::Panicked => {
            tracing::error!(%error, "a request about a transaction could not be answered");
        }
    }
}

/// The error of a parameter that is missing or wrong.
pub(super) fn invalid_parameter(
    parameter: &'static str,
    problem: impl Into<String>,
) -> WebsiteError {
    WebsiteError::InvalidParameter {
        parameter,
        problem: problem.into(),
    }
}
