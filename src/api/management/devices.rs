//! Installations, and the users on them.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::Api;
use crate::api::error::{ApiError, Fault, ProblemDocument};
use crate::api::extract::{Administrator, By, Fields, FromFields, InPath, Query};
use crate::ids::{DeviceId, UserId};

/// Whether to only look.
pub(crate) struct DryRun(bool);

impl FromFields for DryRun {
    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self(fields.parsed("dry_run")?.unwrap_or(false)))
    }
}

/// Whom the end of an installation concerns.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeletedDevice {
    device_id: String,
    /// Whether nothing was done.
    dry_run: bool,
    /// The users on it, at most 1,000: each has to enrol anew.
    users: Vec<String>,
}

/// Ends everything the user has on the device: tokens, keys, push. Other users of the device, and
/// the installation, stay.
#[utoipa::path(
    post,
    path = "/api/v1/users/{user_id}/devices/{device_id}/disconnect",
    tag = "Administration",
    params(("user_id" = String, Path), ("device_id" = String, Path)),
    responses((status = 204), (status = 404, body = ProblemDocument), (status = "default", body = ProblemDocument)),
    security(("basic" = [])),
)]
pub(crate) async fn disconnect(
    api: web::Data<Api>,
    By(_administrator, (user, device)): By<Administrator, (InPath<UserId>, InPath<DeviceId>)>,
) -> Result<HttpResponse, ApiError> {
    if api.app().devices.disconnect(&device.0, &user.0).await? {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(ApiError::not_found())
    }
}

/// Removes an installation: its credentials, everything issued to it, and everything its users have
/// on it. A dry run only tells who they are.
#[utoipa::path(
    delete,
    path = "/api/v1/devices/{device_id}",
    tag = "Administration",
    params(("device_id" = String, Path), ("dry_run" = Option<bool>, Query)),
    responses(
        (status = 200, body = DeletedDevice),
        (status = 404, body = ProblemDocument),
        (status = "default", body = ProblemDocument),
    ),
    security(("basic" = [])),
)]
pub(crate) async fn delete_device(
    api: web::Data<Api>,
    By(_administrator, (device, dry_run)): By<Administrator, (InPath<DeviceId>, Query<DryRun>)>,
) -> Result<HttpResponse, ApiError> {
    let (device, DryRun(dry_run)) = (device.0, dry_run.0);
    let users = api
        .app()
        .devices
        .remove(&device, dry_run)
        .await?
        .ok_or_else(ApiError::not_found)?;
    let users = users.into_iter().map(String::from).collect::<Vec<_>>();
    Ok(HttpResponse::Ok().json(DeletedDevice {
        device_id: device.into(),
        dry_run,
        users,
    }))
}
