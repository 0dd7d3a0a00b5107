//! Push: where and how a device gets its messages.

use utoipa::ToSchema;

use crate::api::context::SharedApi;
use crate::api::endpoint::{Endpoint, endpoints};
use crate::api::error::{ApiError, Fault};
use crate::api::extract::{DeviceToken, Fields, FromFields, Json, UserToken};
use crate::api::reply::NoContent;
use crate::devices::{PUSH_ADDRESS_BYTES_MAX, Transport};
use crate::secret::SecretString;

pub(super) const ENDPOINTS: &[Endpoint] = endpoints! {
    /// Enrols a user for push on the device, or replaces the push token.
    PUT "/device/v1/push" => enrol_push,
        400 "The body is malformed, or the push token is not one of the transport \
             (`invalid_push_token`).",
        403 "The access token belongs to the device alone (`insufficient_scope`), enrolment for push \
             is switched off (`enrolment_disabled`), or the transport does not fit the device's \
             platform, or has no push configuration (`unsuitable_transport`).",
        409 "The user has not enrolled on the device (`keys_not_enrolled`), is enrolled for push on \
             another device (`already_enrolled`), or another device has the push token \
             (`push_token_in_use`).";

    /// Ends push for a user on the device.
    ///
    /// Ending what is not there succeeds.
    DELETE "/device/v1/push" => remove_push;

    /// Replaces the push token of the device, for all its users.
    PUT "/device/v1/push-token" => replace_push_token,
        400 "The body is malformed, or the push token is not one of the transport \
             (`invalid_push_token`).",
        409 "No user is enrolled for push on the device (`push_not_enrolled`), or another device has \
             the push token (`push_token_in_use`).";
};

/// How pushes reach the device.
#[derive(ToSchema)]
struct PushBody {
    /// `apns` for iOS, `fcm` for Android, or `poll`: no push is sent, the app asks for transactions
    /// itself.
    #[schema(value_type = String)]
    transport: Transport,
    /// The push token that the push service gave the app. None for `poll`.
    #[schema(value_type = Option<String>, max_length = 4096)]
    token: Option<SecretString>,
}

impl FromFields for PushBody {
    type Schema = Self;

    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        let name = fields.required_text("transport", 255)?;
        let transport = Transport::from_name(&name).ok_or_else(|| {
            let names: Vec<_> = Transport::names().collect();
            Fault::parameter("transport", format!("must be one of {}", names.join(", ")))
        })?;

        Ok(Self {
            transport,
            token: fields.secret("token", PUSH_ADDRESS_BYTES_MAX)?,
        })
    }
}

/// A new push token.
#[derive(ToSchema)]
struct PushTokenBody {
    /// The push token that the push service gave the app.
    #[schema(value_type = String, max_length = 4096)]
    token: SecretString,
}

impl FromFields for PushTokenBody {
    type Schema = Self;

    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            token: fields.required_secret("token", PUSH_ADDRESS_BYTES_MAX)?,
        })
    }
}

async fn enrol_push(
    api: SharedApi,
    UserToken { device_id, user_id }: UserToken,
    Json(PushBody { transport, token }): Json<PushBody>,
) -> Result<NoContent, ApiError> {
    let devices = &api.app.devices;
    devices
        .enrol_push(&device_id, &user_id, transport, token)
        .await?;

    Ok(NoContent)
}

async fn remove_push(
    api: SharedApi,
    UserToken { device_id, user_id }: UserToken,
) -> Result<NoContent, ApiError> {
    api.app.devices.remove_push(&device_id, &user_id).await?;

    Ok(NoContent)
}

async fn replace_push_token(
    api: SharedApi,
    DeviceToken { device_id }: DeviceToken,
    Json(PushTokenBody { token }): Json<PushTokenBody>,
) -> Result<NoContent, ApiError> {
    let devices = &api.app.devices;
    devices.replace_push_token(&device_id, token).await?;

    Ok(NoContent)
}
