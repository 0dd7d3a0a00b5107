//! The device authorization endpoint (RFC 8628 §3.1).

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::Api;
use crate::api::error::{ApiError, Fault, OAuthBody};
use crate::api::extract::{Fields, FromFields, PresentedForm};
use crate::oauth::ApplianceAuthorization;

/// The longest parameter that is looked at.
const TEXT_BYTES_MAX: usize = 2048;

/// What a device asks for.
#[derive(ToSchema)]
pub(crate) struct DeviceForm {
    scope: Option<String>,
    /// RFC 8707.
    resource: Option<String>,
}

impl FromFields for DeviceForm {
    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            scope: fields.text("scope", TEXT_BYTES_MAX)?,
            resource: fields.text("resource", TEXT_BYTES_MAX)?,
        })
    }
}

/// What a device and its user are told (RFC 8628 §3.2).
#[derive(Serialize, ToSchema)]
pub(crate) struct DeviceAnswer {
    /// A secret.
    device_code: String,
    /// `XXXX-XXXX`: the device shows it.
    user_code: String,
    /// Where the user goes with it.
    verification_uri: String,
    verification_uri_complete: String,
    /// Seconds.
    expires_in: u64,
    /// Seconds between two questions.
    interval: i32,
}

impl From<ApplianceAuthorization> for DeviceAnswer {
    fn from(device: ApplianceAuthorization) -> Self {
        Self {
            device_code: device.device_code.expose().to_owned(),
            user_code: device.user_code,
            verification_uri: device.verification_uri,
            verification_uri_complete: device.verification_uri_complete,
            expires_in: device.expires_in.as_secs(),
            interval: device.interval,
        }
    }
}

/// Lets a device wait for its user. The client authenticates as at the token endpoint.
#[utoipa::path(
    post,
    path = "/oauth/device_authorization",
    tag = "Token server",
    request_body(content = DeviceForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = DeviceAnswer), (status = "default", body = OAuthBody)),
)]
pub(crate) async fn authorize_device(
    api: web::Data<Api>,
    request: PresentedForm<DeviceForm>,
) -> Result<HttpResponse, ApiError> {
    let PresentedForm {
        credentials,
        form: DeviceForm { scope, resource },
    } = request;
    let token_server = &api.app().token_server;
    let device = token_server
        .appliances
        .authorize(&credentials, scope.as_deref(), resource.as_deref())
        .await?;
    Ok(HttpResponse::Ok().json(DeviceAnswer::from(device)))
}
