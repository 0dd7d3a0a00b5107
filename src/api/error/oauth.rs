//! Errors of the token server: RFC 6749 §5.2, RFC 7591 §3.2.2.

use actix_web::http::StatusCode;

use super::api_error::{ApiError, Body};
use super::bodies::OAuthBody;
use super::clients::BASIC;
use super::fault::Fault;
use crate::devices::{RegistrationError, RegistrationRefusal};
use crate::oauth::{
    AuthorizeRefusal, LogoutRefusal, OAuthError, PageRequestError, PushedRequestError,
};

impl From<RegistrationError> for ApiError {
    fn from(error: RegistrationError) -> Self {
        match error {
            RegistrationError::Refused(refusal) => refusal.into(),
            RegistrationError::Store(error) => error.into(),
        }
    }
}

impl From<RegistrationRefusal> for ApiError {
    fn from(refusal: RegistrationRefusal) -> Self {
        let description = refusal.to_string();

        match refusal {
            RegistrationRefusal::InvalidMetadata(_) => Self::oauth(
                StatusCode::BAD_REQUEST,
                "invalid_client_metadata",
                description,
            ),
            RegistrationRefusal::VersionClosed => Self::oauth(
                StatusCode::FORBIDDEN,
                "invalid_client_metadata",
                description,
            ),
            RegistrationRefusal::TooMany => {
                let status = StatusCode::TOO_MANY_REQUESTS;
                // Until the next hour at most; all who were refused need not come back together.
                Self::oauth(status, "too_many_requests", description).retry_after(600)
            }
            RegistrationRefusal::InvalidToken | RegistrationRefusal::InitialAccessToken => {
                let error = Self::oauth(StatusCode::UNAUTHORIZED, "invalid_token", description);
                error.challenge("Bearer realm=\"countersign\", error=\"invalid_token\"")
            }
        }
    }
}

impl From<OAuthError> for ApiError {
    fn from(error: OAuthError) -> Self {
        let body = OAuthBody::new(error.code(), error.to_string());
        let answer = |status, body| Self::new(status, Body::OAuth(body));
        let with_code = |code, attempts_left| {
            let body = OAuthBody {
                code: Some(code),
                attempts_left,
                ..body.clone()
            };

            answer(StatusCode::BAD_REQUEST, body)
        };

        match error {
            OAuthError::InvalidClient => answer(StatusCode::UNAUTHORIZED, body).challenge(BASIC),
            OAuthError::ClockSkew { server_time } => {
                let body = OAuthBody::clock_skew(error.to_string(), server_time);
                answer(StatusCode::UNAUTHORIZED, body).challenge(BASIC)
            }
            OAuthError::InsufficientPermissions => answer(StatusCode::FORBIDDEN, body),
            OAuthError::Unavailable => Fault::Busy.into(),
            OAuthError::InvalidProof { attempts_left, .. } => {
                with_code("invalid_proof", attempts_left)
            }
            OAuthError::AuthenticatorGone => with_code("authenticator_gone", None),
            OAuthError::UnboundRefreshToken => with_code("authenticator_required", None),
            OAuthError::UserDisconnected => with_code("user_disconnected", None),
            OAuthError::InvalidRequest(_)
            | OAuthError::InvalidGrant
            | OAuthError::InvalidDpopProof(_)
            | OAuthError::InvalidTarget
            | OAuthError::AuthorizationPending
            | OAuthError::SlowDown
            | OAuthError::AccessDenied
            | OAuthError::ExpiredToken
            | OAuthError::UnauthorizedClient(_)
            | OAuthError::UnsupportedGrantType
            | OAuthError::InvalidScope => answer(StatusCode::BAD_REQUEST, body),
        }
    }
}

impl From<AuthorizeRefusal> for ApiError {
    fn from(refusal: AuthorizeRefusal) -> Self {
        let answer = |status, code| Self::oauth(status, code, refusal.to_string());

        match refusal {
            AuthorizeRefusal::ClientOrRedirectUri => {
                answer(StatusCode::BAD_REQUEST, "invalid_request")
            }
            AuthorizeRefusal::RequestUri => answer(StatusCode::BAD_REQUEST, "invalid_request_uri"),
            AuthorizeRefusal::Expired => answer(StatusCode::NOT_FOUND, "not_found"),
            AuthorizeRefusal::OtherBrowser => answer(StatusCode::FORBIDDEN, "other_browser"),
            AuthorizeRefusal::UserDisabled => answer(StatusCode::FORBIDDEN, "user_disabled"),
            AuthorizeRefusal::Unavailable => Fault::Busy.into(),
        }
    }
}

impl From<LogoutRefusal> for ApiError {
    fn from(refusal: LogoutRefusal) -> Self {
        match refusal {
            LogoutRefusal::Client | LogoutRefusal::RedirectUri => Self::oauth(
                StatusCode::BAD_REQUEST,
                "invalid_request",
                refusal.to_string(),
            ),
            LogoutRefusal::Unavailable => Fault::Busy.into(),
        }
    }
}

impl From<PushedRequestError> for ApiError {
    fn from(error: PushedRequestError) -> Self {
        match error {
            PushedRequestError::Client(error) => error.into(),
            PushedRequestError::Request(error) => {
                Self::oauth(StatusCode::BAD_REQUEST, error.code, error.description)
            }
        }
    }
}

impl From<PageRequestError> for ApiError {
    fn from(error: PageRequestError) -> Self {
        let answer = |status, code| Self::oauth(status, code, error.to_string());

        match error {
            PageRequestError::NotFound => answer(StatusCode::NOT_FOUND, "not_found"),
            PageRequestError::AlreadyAnswered => answer(StatusCode::CONFLICT, "already_answered"),
            PageRequestError::UserDisabled => answer(StatusCode::FORBIDDEN, "user_disabled"),
            PageRequestError::InvalidParameter { .. } => {
                answer(StatusCode::BAD_REQUEST, "invalid_request")
            }
            PageRequestError::Unavailable => Fault::Busy.into(),
        }
    }
}
