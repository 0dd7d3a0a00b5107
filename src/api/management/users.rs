//! The life cycle of users. The user directory is elsewhere; its owner tells the server of changes.

use utoipa::ToSchema;

use crate::api::context::SharedApi;
use crate::api::endpoint::{Endpoint, endpoints};
use crate::api::error::{ApiError, Fault};
use crate::api::extract::{Administrator, Fields, FromFields, Json, Path};
use crate::api::reply::NoContent;
use crate::ids::UserId;

pub(super) const ENDPOINTS: &[Endpoint] = endpoints! {
    /// Disables a user: revokes all tokens, ends all log-ins, and refuses the user everywhere.
    ///
    /// What the user has enrolled stays. Disabling a disabled user succeeds.
    POST "/api/v1/users/{user_id}/disable" => disable_user;

    /// Enables a user, who can then log in again.
    ///
    /// What the disabling ended stays ended. Enabling an enabled user succeeds.
    POST "/api/v1/users/{user_id}/enable" => enable_user;

    /// Ends everything a user is logged in with, after a change of the password.
    ///
    /// What the user has enrolled stays.
    POST "/api/v1/users/{user_id}/password-changed" => password_changed;

    /// Lets a user be asked by text message again, after too many wrong codes in a row.
    POST "/api/v1/users/{user_id}/unlock" => unlock_user;

    /// Gives a user another id.
    ///
    /// Everything the user is logged in with ends. What the user has enrolled and consented to moves
    /// to the new id.
    POST "/api/v1/users/{user_id}/rename" => rename_user,
        409 "Another user has the new id (`user_id_in_use`), or the user is enrolled on too many \
             devices (`too_many_devices`).";
};

/// Another id for a user.
#[derive(ToSchema)]
struct RenameBody {
    /// The new id: 1 to 255 bytes.
    #[schema(value_type = String)]
    user_id: UserId,
}

impl FromFields for RenameBody {
    type Schema = Self;

    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            user_id: fields.required("user_id")?,
        })
    }
}

async fn disable_user(
    api: SharedApi,
    _administrator: Administrator,
    Path(user): Path<UserId>,
) -> Result<NoContent, ApiError> {
    api.app.users.disable(&user).await?;

    Ok(NoContent)
}

async fn enable_user(
    api: SharedApi,
    _administrator: Administrator,
    Path(user): Path<UserId>,
) -> Result<NoContent, ApiError> {
    api.app.users.enable(&user).await?;

    Ok(NoContent)
}

async fn unlock_user(
    api: SharedApi,
    _administrator: Administrator,
    Path(user): Path<UserId>,
) -> Result<NoContent, ApiError> {
    api.app.users.unlock(&user).await?;

    Ok(NoContent)
}

async fn password_changed(
    api: SharedApi,
    _administrator: Administrator,
    Path(user): Path<UserId>,
) -> Result<NoContent, ApiError> {
    api.app.users.password_changed(&user).await?;

    Ok(NoContent)
}

async fn rename_user(
    api: SharedApi,
    _administrator: Administrator,
    Path(user): Path<UserId>,
    Json(RenameBody { user_id }): Json<RenameBody>,
) -> Result<NoContent, ApiError> {
    api.app.users.rename(&user, &user_id).await?;

    Ok(NoContent)
}
