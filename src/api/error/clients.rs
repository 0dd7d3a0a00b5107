//! Errors about who is calling: the credentials of clients, and access tokens.
//!
//! An API client gets an OAuth error in every area. A device gets a problem, with a challenge as
//! RFC 6750 §3 describes it.

use std::time::Duration;

use actix_web::http::StatusCode;

use super::api_error::{ApiError, Body};
use super::area::Area;
use super::bodies::OAuthBody;
use super::fault::Fault;
use crate::oauth::{BearerError, ClientError, ProofRefusal, TokenType};

/// The challenge to a client without credentials or with wrong ones.
pub(super) const BASIC: &str = "Basic realm=\"countersign\", charset=\"UTF-8\"";

/// The challenges to a request without an access token (RFC 6750 §3, RFC 9449 §7.1).
const MISSING: &str = "Bearer realm=\"countersign\", DPoP realm=\"countersign\", algs=\"ES256\"";

impl From<ClientError> for ApiError {
    fn from(error: ClientError) -> Self {
        let description = error.to_string();
        match error {
            ClientError::Missing | ClientError::Invalid => {
                Self::oauth(StatusCode::UNAUTHORIZED, "invalid_client", description)
                    .challenge(BASIC)
            }
            ClientError::ClockSkew { server_time } => {
                let body = OAuthBody::clock_skew(description, server_time);
                Self::new(StatusCode::UNAUTHORIZED, Body::OAuth(body)).challenge(BASIC)
            }
            ClientError::Malformed => {
                Self::oauth(StatusCode::BAD_REQUEST, "invalid_request", description)
            }
            ClientError::Unavailable => Self::from(Fault::Busy).shaped(Area::OAuth),
        }
    }
}

/// Status, code and challenge, by the scheme of the request. None if the server could not check the
/// token.
fn refusal(
    error: BearerError,
    scheme: TokenType,
) -> Option<(StatusCode, &'static str, &'static str)> {
    /// The same for both schemes. DPoP's says what proofs are signed with.
    macro_rules! challenge {
        ($rest:literal) => {
            match scheme {
                TokenType::Bearer => concat!("Bearer realm=\"countersign\", ", $rest),
                TokenType::Dpop => {
                    concat!("DPoP realm=\"countersign\", ", $rest, ", algs=\"ES256\"")
                }
            }
        };
    }

    match error {
        BearerError::InvalidToken => Some((
            StatusCode::UNAUTHORIZED,
            "invalid_token",
            challenge!("error=\"invalid_token\""),
        )),
        BearerError::InvalidDpopProof(ProofRefusal::Nonce) => Some((
            StatusCode::UNAUTHORIZED,
            "use_dpop_nonce",
            "DPoP realm=\"countersign\", error=\"use_dpop_nonce\", algs=\"ES256\"",
        )),
        BearerError::InvalidDpopProof(_) => Some((
            StatusCode::UNAUTHORIZED,
            "invalid_dpop_proof",
            "DPoP realm=\"countersign\", error=\"invalid_dpop_proof\", algs=\"ES256\"",
        )),
        BearerError::InsufficientScope(_) => Some((
            StatusCode::FORBIDDEN,
            "insufficient_scope",
            challenge!("error=\"insufficient_scope\", scope=\"openid\""),
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

    /// An access token was refused that was presented by this scheme.
    pub(crate) fn token(error: BearerError, scheme: TokenType) -> Self {
        match refusal(error, scheme) {
            Some((status, code, challenge)) => {
                Self::problem(status, code, error.to_string()).challenge(challenge)
            }
            None => Fault::Busy.into(),
        }
    }

    /// The same, as an OAuth error: for endpoints of the token server.
    pub(crate) fn oauth_token(error: BearerError, scheme: TokenType) -> Self {
        match refusal(error, scheme) {
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

        error.challenge(MISSING)
    }

    /// There is no access token.
    pub(crate) fn missing_token() -> Self {
        let error = Self::problem(
            StatusCode::UNAUTHORIZED,
            "invalid_token",
            "An access token is required.".to_owned(),
        );

        error.challenge(MISSING)
    }

    /// The user's log-in is too long ago for what is asked. The challenge is that of RFC 9470 §3.
    pub(crate) fn fresh_login_required(max_age: Duration) -> Self {
        let seconds = max_age.as_secs();
        let detail = format!(
            "The user has to log in again, or to prove the PIN: the last time was more than {seconds} seconds ago."
        );
        let error = Self::problem(StatusCode::UNAUTHORIZED, "fresh_login_required", detail);
        error.challenge("Bearer realm=\"countersign\", error=\"insufficient_user_authentication\"")
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
