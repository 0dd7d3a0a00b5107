//! What a user can be asked.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::Api;
use crate::api::error::{ApiError, WebsiteBody};
use crate::api::extract::{By, InPath, Website};
use crate::ids::{DeviceId, UserId};
use crate::settings::AuthenticationMethod;
use crate::transactions::{AvailableDevice, AvailableType};

/// One way of asking.
#[derive(Serialize, ToSchema)]
pub(crate) struct AvailableTypeAnswer {
    /// The configured name.
    #[serde(rename = "type")]
    type_name: String,
    /// `PUSH`, `OTP`, `SMS`.
    #[schema(value_type = String)]
    method: AuthenticationMethod,
    /// Push: whether a text message is sent where a push cannot be.
    #[serde(skip_serializing_if = "Option::is_none")]
    sms_fallback_allowed: Option<bool>,
    /// Push: where it can go.
    #[serde(skip_serializing_if = "Option::is_none")]
    apps_enrolled_for_push: Option<Vec<EnrolledApp>>,
}

/// An installation that takes pushes for the user.
#[derive(Serialize, ToSchema)]
pub(crate) struct EnrolledApp {
    app_id: String,
    app_name: String,
    device_id: String,
    device_name: String,
    /// `ios`, `android`.
    platform: &'static str,
}

/// The names of the types that can be used.
#[derive(Serialize, ToSchema)]
pub(crate) struct EnabledTypes {
    enabled: Vec<String>,
}

impl From<AvailableType> for AvailableTypeAnswer {
    fn from(available: AvailableType) -> Self {
        let enrolled = |devices: Vec<_>| devices.into_iter().map(EnrolledApp::from).collect();
        Self {
            type_name: available.type_name,
            method: available.method,
            sms_fallback_allowed: available.devices.is_some().then_some(false),
            apps_enrolled_for_push: available.devices.map(enrolled),
        }
    }
}

impl From<AvailableDevice> for EnrolledApp {
    fn from(device: AvailableDevice) -> Self {
        Self {
            app_id: device.application_id,
            app_name: device.application_name,
            device_id: device.device_id.into(),
            device_name: device.device_name,
            platform: device.platform.as_str(),
        }
    }
}

/// What a user can be asked. Unknown users can be asked nothing: an empty list.
#[utoipa::path(
    get,
    path = "/oauth/api/v4/authenticate/user/{user_id}/enabled",
    tag = "Mobile authentication",
    params(("user_id" = String, Path)),
    responses((status = 200, body = [AvailableTypeAnswer]), (status = "default", body = WebsiteBody)),
    security(("basic" = [])),
)]
pub(crate) async fn available(
    api: web::Data<Api>,
    By(_website, user): By<Website, InPath<UserId>>,
) -> Result<HttpResponse, ApiError> {
    let available = api.app().transactions.available(&user.0).await?;
    Ok(HttpResponse::Ok().json(
        available
            .into_iter()
            .map(AvailableTypeAnswer::from)
            .collect::<Vec<_>>(),
    ))
}

/// The same for one device of the user's.
#[utoipa::path(
    get,
    path = "/oauth/api/v4/authenticate/user/{user_id}/device/{device_id}/enabled",
    tag = "Mobile authentication",
    params(("user_id" = String, Path), ("device_id" = String, Path)),
    responses((status = 200, body = EnabledTypes), (status = "default", body = WebsiteBody)),
    security(("basic" = [])),
)]
pub(crate) async fn available_on_device(
    api: web::Data<Api>,
    By(_website, (user, device)): By<Website, (InPath<UserId>, InPath<DeviceId>)>,
) -> Result<HttpResponse, ApiError> {
    let available = api.app().transactions.available(&user.0).await?;
    Ok(HttpResponse::Ok().json(EnabledTypes {
        enabled: types_on(&device.0, available),
    }))
}

/// Push types that can go to the device; a device that takes no push of the user's counts as
/// unknown.
fn types_on(device: &DeviceId, available: Vec<AvailableType>) -> Vec<String> {
    let is_there = |devices: &Vec<AvailableDevice>| {
        devices
            .iter()
            .any(|candidate| candidate.device_id == *device)
    };
    if !available
        .iter()
        .filter_map(|candidate| candidate.devices.as_ref())
        .any(is_there)
    {
        return Vec::new();
    }

    available
        .into_iter()
        .filter(|candidate| candidate.devices.as_ref().is_none_or(is_there))
        .map(|candidate| candidate.type_name)
        .collect()
}
