//! The numbered errors of mobile authentication.

use actix_web::http::StatusCode;

use super::api_error::{ApiError, Body};
use super::bodies::WebsiteBody;
use crate::transactions::WebsiteError;

impl From<WebsiteError> for ApiError {
    fn from(error: WebsiteError) -> Self {
        let (status, name, code) = row(&error);
        let mut body = WebsiteBody::new(name, code, error.to_string());
        if let WebsiteError::WrongCode { attempts_left } = error {
            body.attempts_left = attempts_left;
        }

        let answer = Self::new(status, Body::Website(body));

        match error {
            WebsiteError::Unavailable | WebsiteError::Undecided => answer.retry_after(1),
            WebsiteError::TooManyPrompts {
                retry_after_seconds,
            } => answer.retry_after(retry_after_seconds),
            _ => answer,
        }
    }
}

/// Status, kind and number of an error, as the API documents them.
const fn row(error: &WebsiteError) -> (StatusCode, &'static str, Option<&'static str>) {
    const BAD_REQUEST: StatusCode = StatusCode::BAD_REQUEST;
    const NOT_FOUND: StatusCode = StatusCode::NOT_FOUND;
    const CONFLICT: StatusCode = StatusCode::CONFLICT;
    const UNPROCESSABLE: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
    const TOO_MANY_REQUESTS: StatusCode = StatusCode::TOO_MANY_REQUESTS;
    const UNAVAILABLE: StatusCode = StatusCode::SERVICE_UNAVAILABLE;

    match error {
        WebsiteError::MobileAuthenticationDisabled | WebsiteError::PushDisabled => {
            (NOT_FOUND, "not_found", Some("1000"))
        }
        WebsiteError::NoWayToAsk => (NOT_FOUND, "not_found", Some("1001")),
        WebsiteError::PushNotSent => (UNAVAILABLE, "provider_error", Some("1002")),
        WebsiteError::InvalidParameter { .. } => (BAD_REQUEST, "invalid_request", Some("1003")),
        WebsiteError::MessageTooLong { .. } => (BAD_REQUEST, "message_too_long", Some("1005")),
        WebsiteError::NoSuchTransaction => (NOT_FOUND, "not_found", Some("1006")),
        WebsiteError::SmsDisabled => (NOT_FOUND, "not_found", Some("3000")),
        WebsiteError::InvalidPhoneNumber => (BAD_REQUEST, "invalid_request", Some("3001")),
        WebsiteError::SmsNotSent => (UNAVAILABLE, "provider_error", Some("3002")),
        WebsiteError::WrongCode { .. } => (NOT_FOUND, "invalid_code", Some("3003")),
        WebsiteError::NoSuchPendingTransaction => (NOT_FOUND, "not_found", Some("3004")),
        WebsiteError::ResendLimitReached => {
            (StatusCode::FORBIDDEN, "resend_limit_reached", Some("3006"))
        }
        WebsiteError::UnknownType => (NOT_FOUND, "not_found", Some("4000")),
        WebsiteError::IdempotencyKeyReused => (UNPROCESSABLE, "idempotency_key_reused", None),
        WebsiteError::IdempotencyKeyInUse => (CONFLICT, "idempotency_key_in_use", None),
        WebsiteError::AlreadyFinal => (CONFLICT, "already_final", None),
        WebsiteError::TooManyPrompts { .. } => (TOO_MANY_REQUESTS, "too_many_requests", None),
        WebsiteError::Unavailable | WebsiteError::Undecided => {
            (UNAVAILABLE, "temporarily_unavailable", None)
        }
    }
}
