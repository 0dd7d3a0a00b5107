//! Errors of the website API: numbered, in both documented shapes at once.

use actix_web::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::{ApiError, Body, Fault};
use crate::transactions::WebsiteError;

/// The body of such an error. `description` repeats `error_description`, as some documented answers
/// have one and some the other.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = WebsiteError)]
pub(crate) struct WebsiteBody {
    /// A name for the kind of error.
    #[schema(example = "not_found")]
    pub(crate) error: &'static str,
    /// For the people who write the website.
    pub(crate) error_description: String,
    /// The documented number, where the error has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "1006")]
    pub(crate) error_code: Option<&'static str>,
    /// The same as `error_description`.
    pub(crate) description: String,
    /// A wrong code: how many attempts are left, where they are limited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) attempts_left: Option<u32>,
}

impl WebsiteBody {
    fn new(error: &'static str, error_code: Option<&'static str>, description: String) -> Self {
        Self {
            error,
            error_description: description.clone(),
            error_code,
            description,
            attempts_left: None,
        }
    }
}

impl From<&Fault> for WebsiteBody {
    fn from(fault: &Fault) -> Self {
        let code =
            matches!(fault, Fault::Parameter { .. } | Fault::MalformedBody(_)).then_some("1003");
        Self::new(fault.code(), code, fault.to_string())
    }
}

impl From<WebsiteError> for ApiError {
    fn from(error: WebsiteError) -> Self {
        let (status, name, code) = row(&error);
        let mut body = WebsiteBody::new(name, code, error.to_string());
        if let WebsiteError::WrongCode { attempts_left } = error {
            body.attempts_left = attempts_left;
        }
        let answer = Self::new(status, Body::Website(body));
        match error {
            WebsiteError::Unavailable => answer.retry_after(1),
            WebsiteError::TooManyPrompts {
                retry_after_seconds,
            } => answer.retry_after(retry_after_seconds),
            _ => answer,
        }
    }
}

/// The table of the contract.
const fn row(error: &WebsiteError) -> (StatusCode, &'static str, Option<&'static str>) {
    const NOT_FOUND: StatusCode = StatusCode::NOT_FOUND;
    match error {
        WebsiteError::MobileAuthenticationDisabled | WebsiteError::PushDisabled => {
            (NOT_FOUND, "not_found", Some("1000"))
        }
        WebsiteError::NoWayToAsk => (NOT_FOUND, "not_found", Some("1001")),
        WebsiteError::PushNotSent => (
            StatusCode::SERVICE_UNAVAILABLE,
            "provider_error",
            Some("1002"),
        ),
        WebsiteError::InvalidParameter { .. } => {
            (StatusCode::BAD_REQUEST, "invalid_request", Some("1003"))
        }
        WebsiteError::MessageTooLong { .. } => {
            (StatusCode::BAD_REQUEST, "message_too_long", Some("1005"))
        }
        WebsiteError::NoSuchTransaction => (NOT_FOUND, "not_found", Some("1006")),
        WebsiteError::SmsDisabled => (NOT_FOUND, "not_found", Some("3000")),
        WebsiteError::InvalidPhoneNumber => {
            (StatusCode::BAD_REQUEST, "invalid_request", Some("3001"))
        }
        WebsiteError::SmsNotSent => (
            StatusCode::SERVICE_UNAVAILABLE,
            "provider_error",
            Some("3002"),
        ),
        WebsiteError::WrongCode { .. } => (NOT_FOUND, "invalid_code", Some("3003")),
        WebsiteError::NoSuchPendingTransaction => (NOT_FOUND, "not_found", Some("3004")),
        WebsiteError::ResendLimitReached => {
            (StatusCode::FORBIDDEN, "resend_limit_reached", Some("3006"))
        }
        WebsiteError::UnknownType => (NOT_FOUND, "not_found", Some("4000")),
        WebsiteError::IdempotencyKeyReused => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency_key_reused",
            None,
        ),
        WebsiteError::IdempotencyKeyInUse => (StatusCode::CONFLICT, "idempotency_key_in_use", None),
        WebsiteError::AlreadyFinal => (StatusCode::CONFLICT, "already_final", None),
        WebsiteError::TooManyPrompts { .. } => {
            (StatusCode::TOO_MANY_REQUESTS, "too_many_requests", None)
        }
        WebsiteError::Unavailable => (
            StatusCode::SERVICE_UNAVAILABLE,
            "temporarily_unavailable",
            None,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_strings_and_absent_fields_are_absent() {
        let body = WebsiteBody::new("not_found", Some("1006"), "None.".to_owned());
        let json = serde_json::to_string(&body).unwrap();
        assert_eq!(
            json,
            r#"{"error":"not_found","error_description":"None.","error_code":"1006","description":"None."}"#
        );
    }

    #[test]
    fn a_named_parameter_is_1003() {
        let body = WebsiteBody::from(&Fault::missing("type"));
        assert_eq!(
            (body.error_code, body.description.as_str()),
            (Some("1003"), "type: is required")
        );
        assert_eq!(WebsiteBody::from(&Fault::NotFound).error_code, None);
    }
}
