//! Errors that are problem documents (RFC 9457): the devices' and the administrators'.

use actix_web::http::StatusCode;

use super::api_error::{ApiError, Body};
use super::bodies::ProblemBody;
use super::fault::Fault;
use crate::devices::{ChangeError, ChangeRefusal, EnrolmentError, EnrolmentRefusal, ProofError};
use crate::oauth::RevocationError;
use crate::store::StoreError;
use crate::transactions::DeviceRequestError;
use crate::users::UserError;

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
            DeviceRequestError::ClockSkew { .. } => (StatusCode::UNAUTHORIZED, "clock_skew"),
            DeviceRequestError::StaleDigest => (StatusCode::UNPROCESSABLE_ENTITY, "stale_digest"),
            DeviceRequestError::Unavailable | DeviceRequestError::Undecided => {
                (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable")
            }
        };

        let mut body = ProblemBody::new(code, error.to_string());
        match error {
            DeviceRequestError::InvalidAnswer { attempts_left } => {
                body.attempts_left = attempts_left;
            }
            DeviceRequestError::ClockSkew { server_time } => {
                body.server_time = Some(server_time);
            }
            DeviceRequestError::AlreadyFinal { status } => {
                body.transaction_status = Some(status.as_str());
            }
            _ => {}
        }

        let answer = Self::new(status, Body::Problem(body));

        match error {
            DeviceRequestError::Unavailable | DeviceRequestError::Undecided => {
                answer.retry_after(1)
            }
            _ => answer,
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

impl From<RevocationError> for ApiError {
    fn from(error: RevocationError) -> Self {
        match error {
            RevocationError::NotFound => Self::not_found(),
            RevocationError::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Fault::from(error).into()
    }
}

impl ApiError {
    /// Nothing has the id that the path names.
    pub(crate) fn not_found() -> Self {
        Self::problem(
            StatusCode::NOT_FOUND,
            "not_found",
            "Nothing has this id.".to_owned(),
        )
    }

    /// The callback cannot be replayed: it has not ended.
    pub(crate) fn still_due() -> Self {
        let detail = "The callback is still being tried; only one that has ended can be replayed."
            .to_owned();
        Self::problem(StatusCode::CONFLICT, "still_due", detail)
    }

    /// The user is not enrolled on this device.
    pub(crate) fn not_enrolled() -> Self {
        Self::problem(
            StatusCode::NOT_FOUND,
            "not_found",
            EnrolmentRefusal::KeysNotEnrolled.to_string(),
        )
    }
}
