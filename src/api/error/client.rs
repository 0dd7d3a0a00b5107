//! Who is asking, and may they: refusals of API clients and of access tokens.
//!
//! An API client is refused in the shape of RFC 6749 wherever it calls; a phone, as RFC 6750 has
//! it, in a problem.

use actix_web::http::StatusCode;

use super::{ApiError, Area, Fault};
use crate::oauth::{BearerError, ClientError};

/// A challenge for clients that came with nothing, or with the wrong thing.
pub(super) const BASIC: &str = "Basic realm=\"countersign\", charset=\"UTF-8\"";

/// A challenge for who came without an access token.
const BEARER: &str = "Bearer realm=\"countersign\"";

impl From<ClientError> for ApiError {
    fn from(error: ClientError) -> Self {
        let description = error.to_string();
        match error {
            ClientError::Missing | ClientError::Invalid => {
                Self::oauth(StatusCode::UNAUTHORIZED, "invalid_client", description)
                    .challenge(BASIC)
            }
            ClientError::Malformed => {
                Self::oauth(StatusCode::BAD_REQUEST, "invalid_request", description)
            }
            ClientError::Unavailable => Self::from_fault(&Fault::Busy, Area::OAuth),
        }
    }
}

impl From<BearerError> for ApiError {
    fn from(error: BearerError) -> Self {
        match refusal(error) {
            Some((status, code, challenge)) => {
                Self::problem(status, code, error.to_string()).challenge(challenge)
            }
            None => Self::from_fault(&Fault::Busy, Area::Other),
        }
    }
}

/// What an access token is refused with; nothing where the server cannot tell now.
fn refusal(error: BearerError) -> Option<(StatusCode, &'static str, &'static str)> {
    match error {
        BearerError::InvalidToken => Some((
            StatusCode::UNAUTHORIZED,
            "invalid_token",
            "Bearer realm=\"countersign\", error=\"invalid_token\"",
        )),
        BearerError::InvalidDpopProof(_) => Some((
            StatusCode::UNAUTHORIZED,
            "invalid_dpop_proof",
            "DPoP realm=\"countersign\", error=\"invalid_dpop_proof\", algs=\"ES256\"",
        )),
        BearerError::InsufficientScope(_) => Some((
            StatusCode::FORBIDDEN,
            "insufficient_scope",
            "Bearer realm=\"countersign\", error=\"insufficient_scope\", scope=\"openid\"",
        )),
        BearerError::Unavailable => None,
    }
}

impl ApiError {
    /// The client is who it says but may not do this.
    pub(crate) fn insufficient_permissions() -> Self {
        let description = "The client does not have the permission for this.";
        Self::oauth(
            StatusCode::FORBIDDEN,
            "insufficient_permissions",
            description,
        )
    }

    /// An access token is refused by the token server itself.
    pub(crate) fn oauth_token(error: BearerError) -> Self {
        match refusal(error) {
            Some((status, code, challenge)) => {
                Self::oauth(status, code, error.to_string()).challenge(challenge)
            }
            None => Self::from_fault(&Fault::Busy, Area::OAuth),
        }
    }

    /// The token server itself asks for an access token.
    pub(crate) fn missing_oauth_token() -> Self {
        let error = Self::oauth(
            StatusCode::UNAUTHORIZED,
            "invalid_token",
            "An access token is required.",
        );
        error.challenge(BEARER)
    }

    /// No access token.
    pub(crate) fn missing_token() -> Self {
        let error = Self::problem(
            StatusCode::UNAUTHORIZED,
            "invalid_token",
            "An access token is required.".to_owned(),
        );
        error.challenge(BEARER)
    }

    /// The access token is an installation's, and a user's is needed.
    pub(crate) fn insufficient_scope() -> Self {
        let detail = "The access token of a user is required.".to_owned();
        let error = Self::problem(StatusCode::FORBIDDEN, "insufficient_scope", detail);
        error.challenge(
            "Bearer realm=\"countersign\", error=\"insufficient_scope\", scope=\"device user\"",
        )
    }
}
