//! Why an authorization does not go on.

use std::time::Duration;

use super::persist::NotSaved;
use super::state::Refusal;
use crate::oauth::error::{OAuthError, log_unavailable};
use crate::oauth::model::Reason;
use crate::store::StoreError;

/// An error of the authorization endpoint, by its code (RFC 6749 §4.1.2.1 and those that extend
/// it).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{description}")]
pub struct AuthorizationError {
    /// The name on the wire.
    pub code: &'static str,
    /// For the client's developer.
    pub description: &'static str,
}

impl AuthorizationError {
    pub(super) const fn new(code: &'static str, description: &'static str) -> Self {
        Self { code, description }
    }
}

impl From<AuthorizationError> for Reason {
    fn from(error: AuthorizationError) -> Self {
        Self {
            error: error.code.to_owned(),
            description: Some(error.description.to_owned()),
        }
    }
}

/// Why the user's browser cannot be sent anywhere: the user is told, and is not redirected (RFC
/// 6749 §4.1.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorizeRefusal {
    /// The client is not known, or not allowed to answer at this address. `400`.
    #[error("`client_id` is unknown, or `redirect_uri` is not one of that client's.")]
    ClientOrRedirectUri,
    /// No such pushed request of this client. `400`.
    #[error("`request_uri` is unknown, expired or used before, or was issued to another client.")]
    RequestUri,
    /// The browser comes back from a page whose request has expired, or went on before. `404`.
    #[error("This log-in has expired, or has gone on already.")]
    Expired,
    /// Another browser began. `403`.
    #[error("This log-in was begun in another browser, or this browser does not keep cookies.")]
    OtherBrowser,
    /// The user may not log in. `403`.
    #[error("The user is disabled.")]
    UserDisabled,
    /// `503`.
    #[error("The server is busy or its database is out of reach; try again shortly.")]
    Unavailable,
}

impl From<PageRequestError> for AuthorizeRefusal {
    fn from(error: PageRequestError) -> Self {
        match error {
            PageRequestError::NotFound
            | PageRequestError::AlreadyAnswered
            | PageRequestError::InvalidParameter { .. } => Self::Expired,
            PageRequestError::UserDisabled => Self::UserDisabled,
            PageRequestError::Unavailable => Self::Unavailable,
        }
    }
}

impl From<StoreError> for AuthorizeRefusal {
    fn from(error: StoreError) -> Self {
        log_unavailable(&error);
        Self::Unavailable
    }
}

impl From<NotSaved> for AuthorizeRefusal {
    fn from(reason: NotSaved) -> Self {
        match reason {
            NotSaved::Store(error) => error.into(),
            // Nobody has answered what has just begun, and the user of a remembered login who is
            // disabled is sent to the login page.
            NotSaved::AlreadyAnswered | NotSaved::UserDisabled => Self::Unavailable,
        }
    }
}

/// Why a request of a client was not taken when it was pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PushedRequestError {
    /// As at the token endpoint.
    #[error(transparent)]
    Client(#[from] OAuthError),
    /// What the authorization endpoint would have said. `400`.
    #[error(transparent)]
    Request(#[from] AuthorizationError),
}

impl From<StoreError> for PushedRequestError {
    fn from(error: StoreError) -> Self {
        Self::Client(error.into())
    }
}

/// Why a login or consent page was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageRequestError {
    /// No such request, or it has expired. `404`.
    #[error("There is no such request, or it has expired.")]
    NotFound,
    /// It was accepted or rejected before. `409`.
    #[error("The request was answered already.")]
    AlreadyAnswered,
    /// The user may not log in. `403`.
    #[error("The user is disabled.")]
    UserDisabled,
    /// A member is out of its bounds. `400`.
    #[error("{parameter}: {problem}")]
    InvalidParameter {
        parameter: &'static str,
        problem: &'static str,
    },
    /// `503`.
    #[error("The server is busy or its database is out of reach; try again shortly.")]
    Unavailable,
}

impl PageRequestError {
    pub(super) const fn invalid(parameter: &'static str, problem: &'static str) -> Self {
        Self::InvalidParameter { parameter, problem }
    }
}

impl From<StoreError> for PageRequestError {
    fn from(error: StoreError) -> Self {
        log_unavailable(&error);
        Self::Unavailable
    }
}

impl From<Refusal> for PageRequestError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::AlreadyAnswered => Self::AlreadyAnswered,
        }
    }
}

impl From<NotSaved> for PageRequestError {
    fn from(reason: NotSaved) -> Self {
        match reason {
            NotSaved::AlreadyAnswered => Self::AlreadyAnswered,
            NotSaved::UserDisabled => Self::UserDisabled,
            NotSaved::Store(error) => error.into(),
        }
    }
}

/// Why a user code leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserCodeRefusal {
    /// No appliance waits that shows this code. `400`.
    #[error("The code is unknown or has expired.")]
    Unknown,
    /// Too many wrong codes. `429`.
    #[error("Too many wrong codes were entered; try again in a moment.")]
    TooMany { retry_after: Duration },
    /// `503`.
    #[error("The server is busy or its database is out of reach; try again shortly.")]
    Unavailable,
}

impl From<StoreError> for UserCodeRefusal {
    fn from(error: StoreError) -> Self {
        log_unavailable(&error);
        Self::Unavailable
    }
}

impl From<NotSaved> for UserCodeRefusal {
    fn from(reason: NotSaved) -> Self {
        match reason {
            NotSaved::Store(error) => error.into(),
            // As at the authorization endpoint.
            NotSaved::AlreadyAnswered | NotSaved::UserDisabled => Self::Unavailable,
        }
    }
}
