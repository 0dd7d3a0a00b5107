//! What becomes of users elsewhere, told to the server by whoever keeps the directory of them.

use actix_web::{HttpResponse, web};
use utoipa::ToSchema;

use crate::api::Api;
use crate::api::error::{ApiError, Fault, ProblemDocument};
use crate::api::extract::{Administrator, By, Fields, FromFields, InPath, Json};
use crate::ids::UserId;

/// Another id for a user.
#[derive(ToSchema)]
pub(crate) struct RenameBody {
    /// The new one.
    #[schema(value_type = String)]
    user_id: UserId,
}

impl FromFields for RenameBody {
    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            user_id: fields
                .parsed("user_id")?
                .ok_or_else(|| Fault::missing("user_id"))?,
        })
    }
}

/// Has the user refused everywhere until enabled again, and ends everything the user is logged in
/// with.
#[utoipa::path(
    post,
    path = "/api/v1/users/{user_id}/disable",
    tag = "Administration",
    params(("user_id" = String, Path)),
    responses((status = 204), (status = "default", body = ProblemDocument)),
    security(("basic" = [])),
)]
pub(crate) async fn disable_user(
    api: web::Data<Api>,
    By(_administrator, user): By<Administrator, InPath<UserId>>,
) -> Result<HttpResponse, ApiError> {
    api.app().users.disable(&user.0).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Lets the user log in again. Nothing that ended comes back.
#[utoipa::path(
    post,
    path = "/api/v1/users/{user_id}/enable",
    tag = "Administration",
    params(("user_id" = String, Path)),
    responses((status = 204), (status = "default", body = ProblemDocument)),
    security(("basic" = [])),
)]
pub(crate) async fn enable_user(
    api: web::Data<Api>,
    By(_administrator, user): By<Administrator, InPath<UserId>>,
) -> Result<HttpResponse, ApiError> {
    api.app().users.enable(&user.0).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The user has another password: ends everything the user is logged in with. What is enrolled
/// stays.
#[utoipa::path(
    post,
    path = "/api/v1/users/{user_id}/password-changed",
    tag = "Administration",
    params(("user_id" = String, Path)),
    responses((status = 204), (status = "default", body = ProblemDocument)),
    security(("basic" = [])),
)]
pub(crate) async fn password_changed(
    api: web::Data<Api>,
    By(_administrator, user): By<Administrator, InPath<UserId>>,
) -> Result<HttpResponse, ApiError> {
    api.app().users.password_changed(&user.0).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Gives the user another id: ends everything the user is logged in with, and moves what is
/// enrolled and consented to.
#[utoipa::path(
    post,
    path = "/api/v1/users/{user_id}/rename",
    tag = "Administration",
    params(("user_id" = String, Path)),
    request_body = RenameBody,
    responses(
        (status = 204),
        (status = 409, description = "The new id is in use", body = ProblemDocument),
        (status = "default", body = ProblemDocument),
    ),
    security(("basic" = [])),
)]
pub(crate) async fn rename_user(
    api: web::Data<Api>,
    By(_administrator, (user, body)): By<Administrator, (InPath<UserId>, Json<RenameBody>)>,
) -> Result<HttpResponse, ApiError> {
    api.app().users.rename(&user.0, &body.0.user_id).await?;
    Ok(HttpResponse::NoContent().finish())
}
