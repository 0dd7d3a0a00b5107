//! Devices, and the users on them.

use serde::Serialize;
use utoipa::ToSchema;

use crate::api::context::SharedApi;
use crate::api::endpoint::{Endpoint, endpoints};
use crate::api::error::{ApiError, Fault};
use crate::api::extract::{Administrator, Fields, FromFields, Json, Path, Query};
use crate::api::reply::NoContent;
use crate::ids::{DeviceId, UserId};

pub(super) const ENDPOINTS: &[Endpoint] = endpoints! {
    /// Disconnects a user from a device: ends all tokens, keys and push of the user on it.
    ///
    /// The device stays registered, and its other users stay connected.
    POST "/api/v1/users/{user_id}/devices/{device_id}/disconnect" => disconnect,
        404 "The device is unknown, or the user has nothing on it.";

    /// Deletes a device: its registration, all its tokens, and all that its users have on it.
    DELETE "/api/v1/devices/{device_id}" => delete_device,
        404 "The device is unknown.";
};

/// Whether to change nothing.
#[derive(ToSchema)]
struct DryRun {
    /// `true`: only lists the users on the device, and changes nothing. Default: `false`.
    #[schema(value_type = Option<bool>)]
    dry_run: bool,
}

impl FromFields for DryRun {
    type Schema = Self;

    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            dry_run: fields.parsed("dry_run")?.unwrap_or(false),
        })
    }
}

/// A device that was deleted, or would be.
#[derive(Serialize, ToSchema)]
struct DeletedDevice {
    device_id: String,
    /// Whether nothing was changed.
    dry_run: bool,
    /// The ids of the users on the device, at most 1,000. Each has to enrol anew.
    users: Vec<String>,
}

async fn disconnect(
    api: SharedApi,
    _administrator: Administrator,
    Path(user): Path<UserId>,
    Path(device): Path<DeviceId>,
) -> Result<NoContent, ApiError> {
    let was_connected = api.app.devices.disconnect(&device, &user).await?;

    was_connected
        .then_some(NoContent)
        .ok_or_else(ApiError::not_found)
}

async fn delete_device(
    api: SharedApi,
    _administrator: Administrator,
    Path(device): Path<DeviceId>,
    Query(DryRun { dry_run }): Query<DryRun>,
) -> Result<Json<DeletedDevice>, ApiError> {
    let removed = api.app.devices.remove(&device, dry_run).await?;
    let users = removed.ok_or_else(ApiError::not_found)?;

    Ok(Json(DeletedDevice {
        device_id: device.into(),
        dry_run,
        users: users.into_iter().map(String::from).collect(),
    }))
}
