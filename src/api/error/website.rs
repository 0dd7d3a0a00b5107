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
            }
            | WebsiteError::TooManyMessages {
                retry_after_seconds,
            } => answer.retry_after(retry_after_seconds),
            _ => answer,
        }
    }
}

/// Status, kind and number of an error, as the API documents them.
const fn row(error: &WebsiteError) -> (StatusCode, &'static str, &'static str) {
    const BAD_REQUEST: StatusCode = StatusCode::BAD_REQUEST;
    const NOT_FOUND: StatusCode = StatusCode::NOT_FOUND;
    const CONFLICT: StatusCode = StatusCode::CONFLICT;
    const UNPROCESSABLE: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
    const TOO_MANY_REQUESTS: StatusCode = StatusCode::TOO_MANY_REQUESTS;
    const UNAVAILABLE: StatusCode = StatusCode::SERVICE_UNAVAILABLE;

    match error {
        WebsiteError::MobileAuthenticationDisabled | WebsiteError::PushDisabled => {
            (NOT_FOUND, "not_found", "1000")
        }
        WebsiteError::NoWayToAsk => (NOT_FOUND, "not_found", "1001"),
        WebsiteError::PushNotSent => (UNAVAILABLE, "provider_error", "1002"),
        WebsiteError::InvalidParameter { .. } => (BAD_REQUEST, "invalid_request", "1003"),
        WebsiteError::MessageTooLong { .. } => (BAD_REQUEST, "message_too_long", "1005"),
        WebsiteError::NoSuchTransaction => (NOT_FOUND, "not_found", "1006"),
        WebsiteError::SmsDisabled => (NOT_FOUND, "not_found", "3000"),
        WebsiteError::InvalidPhoneNumber(_) => (BAD_REQUEST, "invalid_request", "3001"),
        WebsiteError::SmsNotSent => (UNAVAILABLE, "provider_error", "3002"),
        WebsiteError::WrongCode { .. } => (NOT_FOUND, "invalid_code", "3003"),
        WebsiteError::NoSuchPendingTransaction => (NOT_FOUND, "not_found", "3004"),
        WebsiteError::ResendLimitReached => (StatusCode::FORBIDDEN, "resend_limit_reached", "3006"),
        WebsiteError::UnknownType => (NOT_FOUND, "not_found", "4000"),
        WebsiteError::IdempotencyKeyReused => (UNPROCESSABLE, "idempotency_key_reused", "1003"),
        WebsiteError::IdempotencyKeyInUse => (CONFLICT, "idempotency_key_in_use", "1003"),
        WebsiteError::AlreadyFinal => (CONFLICT, "already_final", "3004"),
        WebsiteError::TooManyPrompts { .. } => (TOO_MANY_REQUESTS, "too_many_requests", "1002"),
        WebsiteError::TooManyMessages { .. } => (TOO_MANY_REQUESTS, "too_many_requests", "3002"),
        WebsiteError::Unavailable | WebsiteError::Undecided => {
            (UNAVAILABLE, "temporarily_unavailable", "1002")
        }
    }
}
