//! Errors of everything else: `application/problem+json` (RFC 9457).

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, HttpResponseBuilder};
use serde::Serialize;
use utoipa::ToSchema;

use super::{ApiError, Area, Body, Fault};
use crate::devices::{ChangeError, ChangeRefusal, EnrolmentError, EnrolmentRefusal, ProofError};
use crate::oauth::ReachError;
use crate::store::StoreError;
use crate::transactions::DeviceRequestError;
use crate::users::UserError;

/// What is wrong, for programs and for the people who write them.
#[derive(Clone, Debug)]
pub(crate) struct ProblemBody {
    pub(crate) code: &'static str,
    pub(crate) detail: String,
    pub(crate) errors: Vec<ProblemDetail>,
    pub(crate) attempts_left: Option<u32>,
    pub(crate) transaction_status: Option<&'static str>,
}

/// One thing that is wrong with the body.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ProblemDetail {
    /// JSON Pointer (RFC 6901) to the member; for query parameters their name as a pointer.
    pub(crate) pointer: String,
    /// What is wrong with it.
    pub(crate) code: &'static str,
    /// The same for people.
    pub(crate) detail: String,
}

/// A problem as it goes over the wire (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemDocument<'a> {
    /// The status in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// The name programs go by.
    code: &'static str,
    /// For people.
    detail: &'a str,
    /// Finds the request in the server's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    /// What is wrong with the body, member by member.
    #[serde(skip_serializing_if = "<[ProblemDetail]>::is_empty")]
    errors: &'a [ProblemDetail],
    /// A wrong answer or proof: how many attempts are left, where they are limited.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts_left: Option<u32>,
    /// A transaction that has ended: how.
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction_status: Option<&'static str>,
}

impl ProblemBody {
    pub(super) fn new(code: &'static str, detail: String) -> Self {
        Self {
            code,
            detail,
            errors: Vec::new(),
            attempts_left: None,
            transaction_status: None,
        }
    }

    pub(super) fn respond(
        &self,
        mut builder: HttpResponseBuilder,
        status: StatusCode,
        request_id: Option<&str>,
    ) -> HttpResponse {
        let document = ProblemDocument {
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            code: self.code,
            detail: &self.detail,
            request_id,
            errors: &self.errors,
            attempts_left: self.attempts_left,
            transaction_status: self.transaction_status,
        };
        builder
            .insert_header(("content-type", "application/problem+json"))
            .json(document)
    }
}

impl From<&Fault> for ProblemBody {
    fn from(fault: &Fault) -> Self {
        let mut body = Self::new(fault.code(), fault.to_string());
        if let Fault::Parameter { name, problem } = fault {
            let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
            body.errors.push(ProblemDetail {
                pointer,
                code: "invalid",
                detail: problem.clone().into_owned(),
            });
        }
        body
    }
}

impl From<DeviceRequestError> for ApiError {
    fn from(error: DeviceRequestError) -> Self {
        let (status, code) = match error {
            DeviceRequestError::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            DeviceRequestError::AlreadyFinal { .. } => (StatusCode::CONFLICT, "already_final"),
            DeviceRequestError::Expired => (StatusCode::GONE, "expired"),
            DeviceRequestError::WrongAuthenticator => {
                (StatusCode::FORBIDDEN, "wrong_authenticator")
            }
            DeviceRequestError::InvalidAnswer { .. } => {
                (StatusCode::UNAUTHORIZED, "invalid_answer")
            }
            DeviceRequestError::StaleDigest => (StatusCode::UNPROCESSABLE_ENTITY, "stale_digest"),
            DeviceRequestError::Unavailable => {
                (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable")
            }
        };
        let mut body = ProblemBody::new(code, error.to_string());
        match error {
            DeviceRequestError::InvalidAnswer { attempts_left } => {
                body.attempts_left = attempts_left
            }
            DeviceRequestError::AlreadyFinal { status } => {
                body.transaction_status = Some(status.as_str())
            }
            _ => {}
        }
        let answer = Self::new(status, Body::Problem(body));
        if error == DeviceRequestError::Unavailable {
            answer.retry_after(1)
        } else {
            answer
        }
    }
}

impl From<EnrolmentError> for ApiError {
    fn from(error: EnrolmentError) -> Self {
        match error {
            EnrolmentError::Refused(refusal) => refusal.into(),
            EnrolmentError::Store(error) => error.into(),
        }
    }
}

impl From<EnrolmentRefusal> for ApiError {
    fn from(refusal: EnrolmentRefusal) -> Self {
        let (status, code) = match refusal {
            EnrolmentRefusal::Disabled => (StatusCode::FORBIDDEN, "enrolment_disabled"),
            EnrolmentRefusal::AlreadyEnrolled => (StatusCode::CONFLICT, "already_enrolled"),
            EnrolmentRefusal::KeysNotEnrolled => (StatusCode::CONFLICT, "keys_not_enrolled"),
            EnrolmentRefusal::AuthenticatorNotAllowed => {
                (StatusCode::FORBIDDEN, "authenticator_not_allowed")
            }
            EnrolmentRefusal::UnsuitableTransport => {
                (StatusCode::FORBIDDEN, "unsuitable_transport")
            }
            EnrolmentRefusal::InvalidAddress => (StatusCode::BAD_REQUEST, "invalid_push_token"),
            EnrolmentRefusal::PushTokenInUse => (StatusCode::CONFLICT, "push_token_in_use"),
            EnrolmentRefusal::PushNotEnrolled => (StatusCode::CONFLICT, "push_not_enrolled"),
        };
        Self::problem(status, code, refusal.to_string())
    }
}

impl From<ChangeError> for ApiError {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Refused(refusal) => refusal.into(),
            ChangeError::Store(error) => error.into(),
        }
    }
}

impl From<ChangeRefusal> for ApiError {
    fn from(refusal: ChangeRefusal) -> Self {
        let (status, code, attempts_left) = match refusal {
            ChangeRefusal::Enrolment(refusal) => return refusal.into(),
            ChangeRefusal::InvalidProof {
                error: ProofError::Signature,
                attempts_left,
            } => (StatusCode::UNAUTHORIZED, "invalid_proof", attempts_left),
            ChangeRefusal::InvalidProof { .. } => (StatusCode::BAD_REQUEST, "invalid_proof", None),
            ChangeRefusal::UserDisconnected => {
                (StatusCode::UNAUTHORIZED, "user_disconnected", None)
            }
            ChangeRefusal::AuthenticatorGone => {
                (StatusCode::UNAUTHORIZED, "authenticator_gone", None)
            }
        };
        let body = ProblemBody {
            attempts_left,
            ..ProblemBody::new(code, refusal.to_string())
        };
        Self::new(status, Body::Problem(body))
    }
}

impl From<UserError> for ApiError {
    fn from(error: UserError) -> Self {
        match error {
            UserError::Taken => {
                Self::problem(StatusCode::CONFLICT, "user_id_in_use", error.to_string())
            }
            UserError::TooManyDevices => {
                Self::problem(StatusCode::CONFLICT, "too_many_devices", error.to_string())
            }
            UserError::Store(error) => error.into(),
        }
    }
}

impl From<ReachError> for ApiError {
    fn from(error: ReachError) -> Self {
        match error {
            ReachError::NotFound => Self::not_found(),
            ReachError::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::from_fault(&Fault::from(error), Area::Other)
    }
}

impl ApiError {
    pub(super) fn problem(status: StatusCode, code: &'static str, detail: String) -> Self {
        Self::new(status, Body::Problem(ProblemBody::new(code, detail)))
    }

    /// There is nothing of this id.
    pub(crate) fn not_found() -> Self {
        Self::problem(
            StatusCode::NOT_FOUND,
            "not_found",
            "There is nothing of this id.".to_owned(),
        )
    }

    /// The callback is on its way already.
    pub(crate) fn still_due() -> Self {
        let detail = "The callback is still on its way and is tried again by itself.".to_owned();
        Self::problem(StatusCode::CONFLICT, "still_due", detail)
    }

    /// The user has no keys on this device.
    pub(crate) fn not_enrolled() -> Self {
        Self::problem(
            StatusCode::NOT_FOUND,
            "not_found",
            EnrolmentRefusal::KeysNotEnrolled.to_string(),
        )
    }
}
