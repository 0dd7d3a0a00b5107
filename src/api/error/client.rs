//! Who is asking, and may they: refusals of API clients and of access tokens.
//!
//! An API client is refused in the shape of RFC 6749 wherever it calls; a phone, as RFC 6750 has it, in a problem.

use actix_web::http::StatusCode;

use super::{ApiError, Area, Fault};
use crate::oauth::{BearerError, ClientError};

/// A challenge for clients that came with nothing, or with the wrong thing.
pub(super) const BASIC: &str = "Basic realm=\"countersign\", charset=\"UTF-8\"";

impl From<ClientError> for ApiError {
    fn from(error: ClientError) -> Self {
        let description = error.to_string();
        match error {
            ClientError::Missing | ClientError::Invalid => {
                Self::oauth(StatusCode::UNAUTHORIZED, "invalid_client", description).challenge(BASIC)
            }
            ClientError::Malformed => Self::oauth(StatusCode::BAD_REQUEST, "invalid_request", description),
            ClientError::Unavailable => Self::from_fault(&Fault::Busy, Area::OAuth),
        }
    }
}

impl From<BearerError> for ApiError {
    fn from(error: BearerError) -> Self {
        match error {
            BearerError::InvalidToken => {
                let answer = Self::problem(StatusCode::UNAUTHORIZED, "invalid_token", error.to_string());
                answer.challenge("Bearer realm=\"countersign\", error=\"invalid_token\"")
            }
            BearerError::Unavailable => Self::from_fault(&Fault::Busy, Area::Other),
        }
    }
}

impl ApiError {
    /// The client is who it says but may not do this.
    pub(crate) fn insufficient_permissions() -> Self {
        let description = "The client does not have the permission for this.";
        Self::oauth(StatusCode::FORBIDDEN, "insufficient_permissions", description)
    }

    /// No access token.
    pub(crate) fn missing_token() -> Self {
        let error = Self::problem(StatusCode::UNAUTHORIZED, "invalid_token", "An access token is required.".to_owned());
        error.challenge("Bearer realm=\"countersign\"")
    }

    /// The access token is an installation's, and a user's is needed.
    pub(crate) fn insufficient_scope() -> Self {
        let detail = "The access token of a user is required.".to_owned();
        let error = Self::problem(StatusCode::FORBIDDEN, "insufficient_scope", detail);
        error.challenge("Bearer realm=\"countersign\", error=\"insufficient_scope\", scope=\"device user\"")
    }
}
