//! Further keys of a user on a device: PIN, fingerprint, custom authenticators.

use actix_web::{HttpResponse, web};
use utoipa::ToSchema;

use super::key;
use crate::api::Api;
use crate::api::error::{ApiError, Fault, ProblemDocument};
use crate::api::extract::{By, Fields, FromFields, InPath, Json, PathParameter, UserToken};
use crate::devices::AuthenticatorName;
use crate::jose::PublicJwk;

impl PathParameter for AuthenticatorName {
    const NAME: &'static str = "authenticator";
}

/// The authenticator's public key.
#[derive(ToSchema)]
pub(crate) struct AuthenticatorBody {
    /// P-256.
    #[schema(value_type = Object)]
    jwk: PublicJwk,
}

impl FromFields for AuthenticatorBody {
    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        key::parse("jwk", fields.value("jwk")).map(|jwk| Self { jwk })
    }
}

/// Sets the key of an authenticator: `pin`, `fingerprint`, `custom:ID`.
#[utoipa::path(
    put,
    path = "/device/v1/authenticators/{authenticator}",
    tag = "Phones",
    params(("authenticator" = String, Path)),
    request_body = AuthenticatorBody,
    responses((status = 204), (status = "default", body = ProblemDocument)),
    security(("user_token" = [])),
)]
pub(crate) async fn set_authenticator(
    api: web::Data<Api>,
    By(token, (name, body)): By<UserToken, (InPath<AuthenticatorName>, Json<AuthenticatorBody>)>,
) -> Result<HttpResponse, ApiError> {
    api.app().devices.set_authenticator(&token.device_id, &token.user_id, &name.0, body.0.jwk).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Removes an authenticator. Where there is none, that is so already.
#[utoipa::path(
    delete,
    path = "/device/v1/authenticators/{authenticator}",
    tag = "Phones",
    params(("authenticator" = String, Path)),
    responses((status = 204), (status = "default", body = ProblemDocument)),
    security(("user_token" = [])),
)]
pub(crate) async fn remove_authenticator(
    api: web::Data<Api>,
    By(token, name): By<UserToken, InPath<AuthenticatorName>>,
) -> Result<HttpResponse, ApiError> {
    api.app().devices.remove_authenticator(&token.device_id, &token.user_id, &name.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
