//! How a user can be asked.

use serde::Serialize;
use utoipa::ToSchema;

use crate::api::context::SharedApi;
use crate::api::endpoint::{Endpoint, endpoints};
use crate::api::error::ApiError;
use crate::api::extract::{Json, Path, Website};
use crate::ids::{DeviceId, UserId};
use crate::settings::AuthenticationMethod;
use crate::transactions::{AvailableDevice, AvailableType};

pub(super) const ENDPOINTS: &[Endpoint] = endpoints! {
    /// Lists the authentication types that can be used for a user.
    ///
    /// A push type is in the list only if a device of the user can be asked. For a disabled user the
    /// list is empty.
    GET "/oauth/api/v4/authenticate/user/{user_id}/enabled" => list_available_types,
        404 "Mobile authentication is switched off (1000).";

    /// Lists the authentication types that can be used for a user on one device.
    ///
    /// The list is empty if the user cannot be asked by push on the device.
    GET "/oauth/api/v4/authenticate/user/{user_id}/device/{device_id}/enabled"
        => list_available_types_on_device,
        404 "Mobile authentication is switched off (1000).";
};

/// The authentication types that can be used.
#[derive(Serialize, ToSchema)]
struct AvailableTypes(Vec<AvailableTypeBody>);

/// An authentication type that can be used.
#[derive(Serialize, ToSchema)]
#[schema(as = AvailableType)]
struct AvailableTypeBody {
    /// The name of the type in the settings: the `type` of a start.
    #[serde(rename = "type")]
    type_name: String,
    /// `PUSH`, `OTP` or `SMS`.
    #[schema(value_type = String)]
    method: AuthenticationMethod,
    /// Push only: whether a text message is sent if a push cannot be.
    #[serde(skip_serializing_if = "Option::is_none")]
    sms_fallback_allowed: Option<bool>,
    /// Push only: the devices that can be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    apps_enrolled_for_push: Option<Vec<EnrolledDevice>>,
}

/// A device that shows pushes to the user.
#[derive(Serialize, ToSchema)]
struct EnrolledDevice {
    /// The id of the application.
    app_id: String,
    /// The name of the application.
    app_name: String,
    device_id: String,
    device_name: String,
    /// `ios` or `android`.
    platform: &'static str,
}

/// The authentication types that can be used on a device.
#[derive(Serialize, ToSchema)]
struct EnabledTypes {
    /// The names of the types in the settings.
    enabled: Vec<String>,
}

impl From<AvailableType> for AvailableTypeBody {
    fn from(available: AvailableType) -> Self {
        let enrolled = |devices: Vec<_>| devices.into_iter().map(EnrolledDevice::from).collect();

        Self {
            type_name: available.type_name,
            method: available.method,
            sms_fallback_allowed: available.devices.is_some().then_some(false),
            apps_enrolled_for_push: available.devices.map(enrolled),
        }
    }
}

impl From<AvailableDevice> for EnrolledDevice {
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

async fn list_available_types(
    api: SharedApi,
    _website: Website,
    Path(user): Path<UserId>,
) -> Result<Json<AvailableTypes>, ApiError> {
    let available = api.app.transactions.available(&user).await?;
    let types = available.into_iter().map(AvailableTypeBody::from);

    Ok(Json(AvailableTypes(types.collect())))
}

async fn list_available_types_on_device(
    api: SharedApi,
    _website: Website,
    Path(user): Path<UserId>,
    Path(device): Path<DeviceId>,
) -> Result<Json<EnabledTypes>, ApiError> {
    let available = api.app.transactions.available(&user).await?;
    let enabled = types_on(&device, available);

    Ok(Json(EnabledTypes { enabled }))
}

/// The types that can be used on a device. A device that shows no pushes to the user counts as
/// unknown, so there are none.
fn types_on(device: &DeviceId, available: Vec<AvailableType>) -> Vec<String> {
    let includes_device =
        |devices: &Vec<AvailableDevice>| devices.iter().any(|found| found.device_id == *device);

    let mut with_devices = available
        .iter()
        .filter_map(|candidate| candidate.devices.as_ref());
    if !with_devices.any(includes_device) {
        return Vec::new();
    }

    available
        .into_iter()
        .filter(|candidate| candidate.devices.as_ref().is_none_or(includes_device))
        .map(|candidate| candidate.type_name)
        .collect()
}
