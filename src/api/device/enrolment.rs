//! A user's keys on a device, which everything else builds on.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::key;
use crate::api::Api;
use crate::api::error::{ApiError, Fault, ProblemDocument};
use crate::api::extract::{By, Fields, FromFields, Json, UserToken};
use crate::devices::{Enrolled, EnrolmentState, Transport};
use crate::jose::PublicJwk;

/// The key the server seals content to.
#[derive(ToSchema)]
pub(crate) struct EnrolBody {
    /// `{"format": "jwk", "jwk": {…}}`, a public P-256 key.
    #[schema(value_type = Object)]
    public_key: PublicJwk,
}

impl FromFields for EnrolBody {
    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        let Some(Value::Object(mut public_key)) = fields.value("public_key") else {
            return Err(Fault::parameter(
                "public_key",
                "is required and must be an object",
            ));
        };
        if public_key.get("format").and_then(Value::as_str) != Some("jwk") {
            return Err(Fault::parameter("public_key/format", "must be \"jwk\""));
        }
        key::parse("public_key/jwk", public_key.remove("jwk")).map(|public_key| Self { public_key })
    }
}

/// The keys of an enrolment that has just been made.
#[derive(Serialize, ToSchema)]
pub(crate) struct EnrolledAnswer {
    /// Six characters: the user's name on this device.
    profile_id: String,
    /// The server's own public key (JWK).
    #[schema(value_type = Object)]
    server_key: PublicJwk,
}

/// All that is enrolled for the user on the device.
#[derive(Serialize, ToSchema)]
pub(crate) struct EnrolmentAnswer {
    /// Six characters.
    profile_id: String,
    /// The enrolled key (JWK).
    #[schema(value_type = Object)]
    public_key: PublicJwk,
    /// `pin`, `fingerprint`, `custom:ID`.
    authenticators: Vec<String>,
    /// `apns`, `fcm`, `poll`; absent without push.
    #[serde(skip_serializing_if = "Option::is_none")]
    push: Option<&'static str>,
    /// RFC 3339.
    created_at: String,
}

impl From<Enrolled> for EnrolledAnswer {
    fn from(enrolled: Enrolled) -> Self {
        Self {
            profile_id: enrolled.profile_id.into(),
            server_key: enrolled.server_key,
        }
    }
}

impl From<EnrolmentState> for EnrolmentAnswer {
    fn from(state: EnrolmentState) -> Self {
        let EnrolmentState {
            enrolment,
            authenticators,
            push,
        } = state;
        Self {
            profile_id: enrolment.profile_id.into(),
            public_key: enrolment.public_key,
            authenticators,
            push: push.map(Transport::as_str),
            created_at: enrolment.created_at.to_rfc3339(),
        }
    }
}

/// Enrols the user's key on this device.
#[utoipa::path(
    post,
    path = "/device/v1/enrolment",
    tag = "Phones",
    request_body = EnrolBody,
    responses((status = 201, body = EnrolledAnswer), (status = "default", body = ProblemDocument)),
    security(("user_token" = [])),
)]
pub(crate) async fn enrol(
    api: web::Data<Api>,
    By(token, body): By<UserToken, Json<EnrolBody>>,
) -> Result<HttpResponse, ApiError> {
    let enrolled = api
        .app()
        .devices
        .enrol(&token.device_id, &token.user_id, body.0.public_key)
        .await?;
    Ok(HttpResponse::Created().json(EnrolledAnswer::from(enrolled)))
}

/// What is enrolled.
#[utoipa::path(
    get,
    path = "/device/v1/enrolment",
    tag = "Phones",
    responses((status = 200, body = EnrolmentAnswer), (status = "default", body = ProblemDocument)),
    security(("user_token" = [])),
)]
pub(crate) async fn enrolment(
    api: web::Data<Api>,
    token: UserToken,
) -> Result<HttpResponse, ApiError> {
    let state = api
        .app()
        .devices
        .enrolment(&token.device_id, &token.user_id)
        .await?;
    let state = state.ok_or_else(ApiError::not_enrolled)?;
    Ok(HttpResponse::Ok().json(EnrolmentAnswer::from(state)))
}

/// Ends the enrolment, authenticators and push with it. Where there is none, that is so already.
#[utoipa::path(
    delete,
    path = "/device/v1/enrolment",
    tag = "Phones",
    responses((status = 204), (status = "default", body = ProblemDocument)),
    security(("user_token" = [])),
)]
pub(crate) async fn end_enrolment(
    api: web::Data<Api>,
    token: UserToken,
) -> Result<HttpResponse, ApiError> {
    api.app()
        .devices
        .end_enrolment(&token.device_id, &token.user_id)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
