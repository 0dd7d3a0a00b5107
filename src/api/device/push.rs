//! Being asked by push.

use actix_web::{HttpResponse, web};
use utoipa::ToSchema;

use crate::api::Api;
use crate::api::error::{ApiError, Fault, ProblemDocument};
use crate::api::extract::{By, DeviceToken, Fields, FromFields, Json, UserToken};
use crate::devices::{PUSH_ADDRESS_BYTES_MAX, Transport};
use crate::secret::SecretString;

/// How a push gets to the installation.
#[derive(ToSchema)]
pub(crate) struct PushBody {
    /// `apns`, `fcm`, `poll`.
    #[schema(value_type = String)]
    transport: Transport,
    /// The address the platform's service gave the installation; none for `poll`.
    #[schema(value_type = Option<String>)]
    token: Option<SecretString>,
}

impl FromFields for PushBody {
    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        let name = fields.required_text("transport", 255)?;
        let transport = Transport::from_name(&name).ok_or_else(|| {
            let names: Vec<_> = Transport::names().collect();
            Fault::parameter("transport", format!("must be one of {}", names.join(", ")))
        })?;
        Ok(Self {
            transport,
            token: fields
                .text("token", PUSH_ADDRESS_BYTES_MAX)?
                .map(SecretString::new),
        })
    }
}

/// The installation's new address.
#[derive(ToSchema)]
pub(crate) struct PushTokenBody {
    #[schema(value_type = String)]
    token: SecretString,
}

impl FromFields for PushTokenBody {
    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        fields
            .required_text("token", PUSH_ADDRESS_BYTES_MAX)
            .map(|token| Self {
                token: token.into(),
            })
    }
}

/// Has the user asked by push on this device.
#[utoipa::path(
    put,
    path = "/device/v1/push",
    tag = "Phones",
    request_body = PushBody,
    responses((status = 204), (status = "default", body = ProblemDocument)),
    security(("user_token" = [])),
)]
pub(crate) async fn enrol_push(
    api: web::Data<Api>,
    By(token, body): By<UserToken, Json<PushBody>>,
) -> Result<HttpResponse, ApiError> {
    let PushBody {
        transport,
        token: address,
    } = body.0;
    api.app()
        .devices
        .enrol_push(&token.device_id, &token.user_id, transport, address)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Ends that.
#[utoipa::path(
    delete,
    path = "/device/v1/push",
    tag = "Phones",
    responses((status = 204), (status = "default", body = ProblemDocument)),
    security(("user_token" = [])),
)]
pub(crate) async fn remove_push(
    api: web::Data<Api>,
    token: UserToken,
) -> Result<HttpResponse, ApiError> {
    api.app()
        .devices
        .remove_push(&token.device_id, &token.user_id)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Replaces the installation's address, for all its users.
#[utoipa::path(
    put,
    path = "/device/v1/push-token",
    tag = "Phones",
    request_body = PushTokenBody,
    responses((status = 204), (status = "default", body = ProblemDocument)),
    security(("device_token" = [])),
)]
pub(crate) async fn replace_push_token(
    api: web::Data<Api>,
    By(token, body): By<DeviceToken, Json<PushTokenBody>>,
) -> Result<HttpResponse, ApiError> {
    api.app()
        .devices
        .replace_push_token(&token.device_id, body.0.token)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
