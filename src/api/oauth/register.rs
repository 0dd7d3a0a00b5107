//! Registration of installations (RFC 7591) and looking after it (RFC 7592).

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::Api;
use crate::api::error::{ApiError, OAuthBody};
use crate::api::extract::{By, InPath, JsonBytes, RegistrationToken};
use crate::devices::{ClientMetadata, Device};
use crate::ids::DeviceId;
use crate::jose::PublicJwk;
use crate::secret::SecretString;

/// What an installation says about itself (RFC 7591 §2).
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "documents the body, which the device facade reads"
)]
pub(crate) struct RegistrationBody {
    /// The application.
    software_id: String,
    software_version: String,
    /// `ios`, `android`.
    platform: String,
    device_name: Option<String>,
    device_model: Option<String>,
    os_version: Option<String>,
    /// `{"keys": [JWK]}`: one P-256 key.
    #[schema(value_type = Object)]
    jwks: (),
    /// `private_key_jwt`.
    token_endpoint_auth_method: String,
}

/// A registration (RFC 7591 §3.2.1).
#[derive(Serialize, ToSchema)]
pub(crate) struct RegistrationAnswer {
    /// The installation's OAuth client, and its device id.
    client_id: String,
    /// Seconds since the epoch.
    client_id_issued_at: i64,
    /// For reading, changing and removing the registration; told once. A secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_access_token: Option<String>,
    registration_client_uri: String,
    software_id: String,
    software_version: String,
    /// `ios`, `android`.
    platform: &'static str,
    device_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    os_version: Option<String>,
    #[schema(value_type = Object)]
    jwks: Jwks,
    token_endpoint_auth_method: &'static str,
    grant_types: [&'static str; 3],
    response_types: [&'static str; 1],
}

#[derive(Serialize)]
struct Jwks {
    keys: [PublicJwk; 1],
}

impl RegistrationAnswer {
    fn new(api: &Api, device: Device, token: Option<&SecretString>) -> Self {
        Self {
            registration_client_uri: api.link(&format!("/oauth/register/{}", device.id)),
            client_id: device.id.into(),
            client_id_issued_at: device.created_at.as_secs(),
            registration_access_token: token.map(|token| token.expose().to_owned()),
            software_id: device.application_id.into(),
            software_version: device.application_version,
            platform: device.platform.as_str(),
            device_name: device.name,
            device_model: device.model,
            os_version: device.os_version,
            jwks: Jwks {
                keys: [device.public_key],
            },
            token_endpoint_auth_method: "private_key_jwt",
            grant_types: ["authorization_code", "client_credentials", "refresh_token"],
            response_types: ["code"],
        }
    }
}

/// Registers an installation.
#[utoipa::path(
    post,
    path = "/oauth/register",
    tag = "Token server",
    request_body = RegistrationBody,
    responses((status = 201, body = RegistrationAnswer), (status = "default", body = OAuthBody)),
)]
pub(crate) async fn register(
    api: web::Data<Api>,
    body: JsonBytes,
) -> Result<HttpResponse, ApiError> {
    let registered = api
        .app()
        .devices
        .register(ClientMetadata::from_json(&body.0)?)
        .await?;
    let token = &registered.registration_access_token;
    Ok(HttpResponse::Created().json(RegistrationAnswer::new(
        &api,
        registered.device,
        Some(token),
    )))
}

/// The registration.
#[utoipa::path(
    get,
    path = "/oauth/register/{device_id}",
    tag = "Token server",
    params(("device_id" = String, Path, description = "The `client_id` of the registration")),
    responses((status = 200, body = RegistrationAnswer), (status = "default", body = OAuthBody)),
    security(("registration_token" = [])),
)]
pub(crate) async fn read_registration(
    api: web::Data<Api>,
    By(token, id): By<RegistrationToken, InPath<DeviceId>>,
) -> Result<HttpResponse, ApiError> {
    let device = api
        .app()
        .devices
        .read_registration(&id.0, token.0.expose())
        .await?;
    Ok(HttpResponse::Ok().json(RegistrationAnswer::new(&api, device, None)))
}

/// Replaces what the installation says about itself: what is left out is gone.
#[utoipa::path(
    put,
    path = "/oauth/register/{device_id}",
    tag = "Token server",
    params(("device_id" = String, Path, description = "The `client_id` of the registration")),
    request_body = RegistrationBody,
    responses((status = 200, body = RegistrationAnswer), (status = "default", body = OAuthBody)),
    security(("registration_token" = [])),
)]
pub(crate) async fn update_registration(
    api: web::Data<Api>,
    By(token, (id, body)): By<RegistrationToken, (InPath<DeviceId>, JsonBytes)>,
) -> Result<HttpResponse, ApiError> {
    let metadata = ClientMetadata::from_json(&body.0)?;
    let device = api
        .app()
        .devices
        .update_registration(&id.0, token.0.expose(), metadata)
        .await?;
    Ok(HttpResponse::Ok().json(RegistrationAnswer::new(&api, device, None)))
}

/// Removes the installation, its users' enrolments and its tokens.
#[utoipa::path(
    delete,
    path = "/oauth/register/{device_id}",
    tag = "Token server",
    params(("device_id" = String, Path, description = "The `client_id` of the registration")),
    responses((status = 204), (status = "default", body = OAuthBody)),
    security(("registration_token" = [])),
)]
pub(crate) async fn delete_registration(
    api: web::Data<Api>,
    By(token, id): By<RegistrationToken, InPath<DeviceId>>,
) -> Result<HttpResponse, ApiError> {
    api.app()
        .devices
        .delete_registration(&id.0, token.0.expose())
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
