//! Errors that every endpoint can answer with, in whichever area it is.

use std::borrow::Cow;
use std::fmt;

use actix_web::http::StatusCode;

use crate::store::StoreError;

/// A request that breaks a convention of the API, or that the server cannot handle now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A parameter is missing, given twice, too long or malformed.
    Parameter {
        /// Its name in the request, shortened if the caller made it up.
        name: Cow<'static, str>,
        /// What is wrong, to be read after the name.
        problem: Cow<'static, str>,
    },
    /// The body does not parse as its content type.
    MalformedBody(Cow<'static, str>),
    /// The body is longer than the limit.
    BodyTooLarge { bytes_max: usize },
    /// The body did not arrive in time.
    BodyTooSlow,
    /// The content type is not the one that the endpoint takes.
    MediaType { expected: &'static str },
    /// The path exists, the method on it does not.
    MethodNotAllowed {
        /// The value of `Allow`.
        allow: &'static str,
    },
    /// No such path.
    NotFound,
    /// The server has reached its limit of requests, or cannot reach its database.
    Busy,
    /// The database was lost during a commit: nobody knows whether anything was changed.
    Undecided,
    /// A defect of the server. The caller learns nothing about it.
    Internal,
}

impl Fault {
    pub(crate) fn parameter(name: &'static str, problem: impl Into<Cow<'static, str>>) -> Self {
        Self::Parameter {
            name: Cow::Borrowed(name),
            problem: problem.into(),
        }
    }

    pub(crate) fn missing(name: &'static str) -> Self {
        Self::parameter(name, "is required")
    }

    pub(crate) const fn status(&self) -> StatusCode {
        match self {
            Self::Parameter { .. } | Self::MalformedBody(_) => StatusCode::BAD_REQUEST,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::MediaType { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Busy | Self::Undecided => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The kind of error, for programs.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Parameter { .. } | Self::MalformedBody(_) => "invalid_request",
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::BodyTooSlow => "body_too_slow",
            Self::MediaType { .. } => "unsupported_media_type",
            Self::MethodNotAllowed { .. } => "method_not_allowed",
            Self::NotFound => "not_found",
            Self::Busy | Self::Undecided => "temporarily_unavailable",
            Self::Internal => "server_error",
        }
    }
}

/// The message of a [`StoreError`] may describe the database, so it goes to the log only.
impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) | StoreError::Overloaded => Self::Busy,
            StoreError::Undecided => Self::Undecided,
            StoreError::Corrupt(row) => {
                tracing::error!(%row, "a request could not be answered");
                Self::Busy
            }
            StoreError::Aborted(_) => {
                tracing::error!(%error, "a database request failed");
                Self::Busy
            }
            StoreError::Query(_) | StoreError::Schema(_) | StoreError::Panicked => {
                tracing::error!(%error, "a database request failed");
                Self::Internal
            }
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parameter { name, problem } => write!(f, "{name}: {problem}"),
            Self::MalformedBody(problem) => f.write_str(problem),
            Self::BodyTooLarge { bytes_max } => {
                write!(f, "The body is longer than {bytes_max} bytes.")
            }
            Self::BodyTooSlow => f.write_str("The body did not arrive in time."),
            Self::MediaType { expected } => write!(
                f,
                "The content type must be {expected}, without a content coding."
            ),
            Self::MethodNotAllowed { allow } => write!(f, "This path supports {allow} only."),
            Self::NotFound => f.write_str("There is no such path."),
            Self::Busy => f.write_str(
                "The server is busy or its database is out of reach; try again shortly.",
            ),
            Self::Undecided => f.write_str(
                "The database was lost while the change was being saved: it may have been made or \
                 not. Look before you repeat the request.",
            ),
            Self::Internal => f.write_str(
                "The server failed. Its log has the details under the id of this request.",
            ),
        }
    }
}
