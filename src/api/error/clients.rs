//! Errors about who is calling: the credentials of clients, and access tokens.
//!
//! An API client gets an OAuth error in every area. A device gets a problem, with a challenge as
//! RFC 6750 §3 describes it.

use actix_web::http::StatusCode;

use super::api_error::ApiError;
use super::area::Area;
use super::fault::Fault;
use crate::oauth::{BearerError, ClientError};

/// The challenge to a client without credentials or with wrong ones.
pub(super) const BASIC: &str = "Basic realm=\"countersign\", charset=\"UTF-8\"";

/// The challenge to a request without an access token.
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
            ClientError::Unavailable => Self::from(Fault::Busy).shaped(Area::OAuth),
        }
    }
}

impl From<BearerError> for ApiError {
    fn from(error: BearerError) -> Self {
        match refusal(error) {
            Some((status, code, challenge)) => {
                Self::problem(status, code, error.to_string()).challenge(challenge)
            }
            None => Fault::Busy.into(),
        }
    }
}

/// Status, code and challenge. None if the server could not check the token.
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
    /// The API client has proved who it is, but lacks the permission.
    pub(crate) fn insufficient_permissions() -> Self {
        let description = "The client does not have the permission for this.";
        Self::oauth(
            StatusCode::FORBIDDEN,
            "insufficient_permissions",
            description,
        )
    }

    /// The same as for devices, as an OAuth error: for endpoints of the token server.
    pub(crate) fn oauth_token(error: BearerError) -> Self {
        match refusal(error) {
            Some((status, code, challenge)) => {
                Self::oauth(status, code, error.to_string()).challenge(challenge)
            }
            None => Fault::Busy.into(),
        }
    }

    /// There is no access token, at an endpoint of the token server.
    pub(crate) fn missing_oauth_token() -> Self {
        let error = Self::oauth(
            StatusCode::UNAUTHORIZED,
            "invalid_token",
            "An access token is required.",
        );

        error.challenge(BEARER)
    }

    /// There is no access token.
    pub(crate) fn missing_token() -> Self {
        let error = Self::problem(
            StatusCode::UNAUTHORIZED,
            "invalid_token",
            "An access token is required.".to_owned(),
        );

        error.challenge(BEARER)
    }

    /// The access token belongs to the device alone, and the endpoint requires a user's.
    pub(crate) fn insufficient_scope() -> Self {
        let detail =
            "A user's access token is required; this one belongs to the device alone.".to_owned();
        let error = Self::problem(StatusCode::FORBIDDEN, "insufficient_scope", detail);
        error.challenge(
            "Bearer realm=\"countersign\", error=\"insufficient_scope\", scope=\"device user\"",
        )
    }
}
