//! The enrolment of a user on a device: the keys that everything else builds on.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::key;
use crate::api::context::SharedApi;
use crate::api::endpoint::{Endpoint, endpoints};
use crate::api::error::{ApiError, Fault};
use crate::api::extract::{Fields, FreshUserToken, FromFields, Json, UserToken};
use crate::api::reply::{Created, NoContent};
use crate::devices::{Enrolled, EnrolmentState, Transport};
use crate::jose::PublicJwk;

pub(super) const ENDPOINTS: &[Endpoint] = endpoints! {
    /// Reads what a user has enrolled on the device.
    GET "/device/v1/enrolment" => read_enrolment,
        404 "The user has not enrolled on the device.";

    /// Enrols a user on the device.
    ///
    /// If the settings allow it, enrolling again replaces the key and removes all authenticators and
    /// push; otherwise it is refused.
    POST "/device/v1/enrolment" => enrol,
        403 "The access token belongs to the device alone (`insufficient_scope`), or enrolment is \
             switched off (`enrolment_disabled`).",
        409 "The user has enrolled already (`already_enrolled`).";

    /// Ends the enrolment of a user on the device, with all authenticators and push.
    ///
    /// Ending what is not there succeeds.
    DELETE "/device/v1/enrolment" => end_enrolment;
};

/// A key to enrol.
#[derive(ToSchema)]
struct EnrolBody {
    /// `{"format": "jwk", "jwk": {…}}`: a public P-256 key, to which the server encrypts the content
    /// of transactions.
    #[schema(value_type = Object)]
    public_key: PublicJwk,
}

impl FromFields for EnrolBody {
    type Schema = Self;

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

        Ok(Self {
            public_key: key::parse("public_key/jwk", public_key.remove("jwk"))?,
        })
    }
}

/// A new enrolment.
#[derive(Serialize, ToSchema)]
struct EnrolledUser {
    /// Six characters, which name the user on this device.
    profile_id: String,
    /// The server's public key: a P-256 JWK.
    #[schema(value_type = Object)]
    server_key: PublicJwk,
}

impl From<Enrolled> for EnrolledUser {
    fn from(enrolled: Enrolled) -> Self {
        Self {
            profile_id: enrolled.profile_id.into(),
            server_key: enrolled.server_key,
        }
    }
}

/// What a user has enrolled on a device.
#[derive(Serialize, ToSchema)]
struct Enrolment {
    /// Six characters, which name the user on this device.
    profile_id: String,
    /// The enrolled key: a P-256 JWK.
    #[schema(value_type = Object)]
    public_key: PublicJwk,
    /// The enrolled authenticators: `pin`, `fingerprint`, `custom:ID`.
    authenticators: Vec<String>,
    /// How pushes are sent: `apns`, `fcm` or `poll`. Absent if push is not enrolled.
    #[serde(skip_serializing_if = "Option::is_none")]
    push: Option<&'static str>,
    /// When the user enrolled, in RFC 3339.
    created_at: String,
}

impl From<EnrolmentState> for Enrolment {
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

async fn read_enrolment(
    api: SharedApi,
    UserToken { device_id, user_id }: UserToken,
) -> Result<Json<Enrolment>, ApiError> {
    let state = api.app.devices.enrolment(&device_id, &user_id).await?;
    let state = state.ok_or_else(ApiError::not_enrolled)?;

    Ok(Json(state.into()))
}

async fn enrol(
    api: SharedApi,
    FreshUserToken(UserToken { device_id, user_id }): FreshUserToken,
    Json(EnrolBody { public_key }): Json<EnrolBody>,
) -> Result<Created<EnrolledUser>, ApiError> {
    let devices = &api.app.devices;
    let enrolled = devices.enrol(&device_id, &user_id, public_key).await?;
    api.app.channels.tell_of_enrolment(user_id, device_id);

    Ok(Created(enrolled.into()))
}

async fn end_enrolment(
    api: SharedApi,
    UserToken { device_id, user_id }: UserToken,
) -> Result<NoContent, ApiError> {
    api.app.devices.end_enrolment(&device_id, &user_id).await?;

    Ok(NoContent)
}
