//! What can be wrong with any request, whichever area it is for.

use std::borrow::Cow;
use std::fmt;

use actix_web::http::StatusCode;

use crate::store::StoreError;

/// A request that broke a convention, before any feature was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A parameter is missing, given twice, too long or not of its form.
    Parameter {
        /// Its name as the caller knows it; cut short where the caller made it up.
        name: Cow<'static, str>,
        /// What is wrong and what to do.
        problem: Cow<'static, str>,
    },
    /// The body is not what its content type says.
    MalformedBody(Cow<'static, str>),
    /// The body is longer than the limit.
    BodyTooLarge {
        /// The limit.
        bytes_max: usize,
    },
    /// The body did not arrive in time.
    BodyTooSlow,
    /// Another content type than the endpoint's.
    MediaType {
        /// The endpoint's.
        expected: &'static str,
    },
    /// The path exists, the method on it does not.
    MethodNotAllowed {
        /// The methods that do, as the `Allow` header has them.
        allow: &'static str,
    },
    /// No such path.
    NotFound,
    /// More requests are being handled than the server accepts, or the database is out of reach.
    Busy,
    /// A defect of the server. Says nothing about it.
    Internal,
}

impl Fault {
    /// A parameter's problem.
    pub(crate) fn parameter(name: &'static str, problem: impl Into<Cow<'static, str>>) -> Self {
        Self::Parameter {
            name: Cow::Borrowed(name),
            problem: problem.into(),
        }
    }

    /// A required parameter is not there.
    pub(crate) fn missing(name: &'static str) -> Self {
        Self::parameter(name, "is required")
    }

    /// The HTTP status.
    pub(crate) const fn status(&self) -> StatusCode {
        match self {
            Self::Parameter { .. } | Self::MalformedBody(_) => StatusCode::BAD_REQUEST,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::MediaType { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The name programs go by.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Parameter { .. } | Self::MalformedBody(_) => "invalid_request",
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::BodyTooSlow => "body_too_slow",
            Self::MediaType { .. } => "unsupported_media_type",
            Self::MethodNotAllowed { .. } => "method_not_allowed",
            Self::NotFound => "not_found",
            Self::Busy => "temporarily_unavailable",
            Self::Internal => "server_error",
        }
    }
}

/// The store's own words stay in the log: they may tell of the database.
impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) | StoreError::Overloaded => Self::Busy,
            StoreError::Corrupt(row) => {
                tracing::error!(%row, "a request could not be answered");
                Self::Busy
            }
            StoreError::Query(_) | StoreError::Schema(_) | StoreError::Panicked => {
                tracing::error!(%error, "the database refused a request");
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
            Self::MethodNotAllowed { allow } => write!(f, "This path answers to {allow} only."),
            Self::NotFound => f.write_str("There is nothing at this path."),
            Self::Busy => f.write_str(
                "The server is busy or its database is out of reach; try again shortly.",
            ),
            Self::Internal => f.write_str("The server failed; the request id finds it in the log."),
        }
    }
}
