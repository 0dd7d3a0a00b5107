//! Registration of devices (RFC 7591), and its management (RFC 7592).

use serde::Serialize;
use utoipa::ToSchema;

use crate::api::context::{Api, SharedApi};
use crate::api::endpoint::{Endpoint, endpoints};
use crate::api::error::ApiError;
use crate::api::extract::{
    Extract, InitialAccessToken, Json, Path, RegistrationToken, Request, Source, read_json_object,
};
use crate::api::openapi::Operation;
use crate::api::reply::{Created, NoContent};
use crate::devices::{ClientMetadata, Device};
use crate::ids::DeviceId;
use crate::jose::PublicJwk;
use crate::secret::SecretString;

pub(super) const ENDPOINTS: &[Endpoint] = endpoints! {
    /// Registers a device: an app that a user has installed (RFC 7591).
    POST "/oauth/register" => register,
        400 "The metadata is missing or malformed, or no such application version is configured.",
        401 "The application asks for an initial access token, or this is none.",
        403 "This version of the application takes no registrations.",
        429 "Too many devices have registered from this address, or in all.";

    /// Reads the registration of a device (RFC 7592).
    GET "/oauth/register/{device_id}" => read_registration;

    /// Replaces what a device has registered. What is left out is removed.
    PUT "/oauth/register/{device_id}" => update_registration,
        400 "The metadata is missing or malformed.",
        403 "This version of the application takes no registrations.";

    /// Deletes a device: its registration, its tokens, and all that its users have enrolled on it.
    DELETE "/oauth/register/{device_id}" => delete_registration;
};

/// What a device says about itself (RFC 7591 §2).
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents the body, which the feature parses")]
struct RegistrationBody {
    /// The id of the application in the settings.
    software_id: String,
    /// The version of the application.
    software_version: String,
    /// `ios` or `android`.
    platform: String,
    /// The name that the user gave the device.
    device_name: Option<String>,
    device_model: Option<String>,
    os_version: Option<String>,
    /// `{"keys": [JWK]}` with one public P-256 key.
    #[schema(value_type = Object)]
    jwks: (),
    /// `private_key_jwt`.
    token_endpoint_auth_method: String,
}

/// The metadata in a body.
struct Metadata(ClientMetadata);

impl Extract for Metadata {
    async fn extract(request: &mut Request<'_>) -> Result<Self, ApiError> {
        let body = read_json_object(request).await?;

        Ok(Self(ClientMetadata::from_json(&body)?))
    }

    fn describe(operation: &mut Operation<'_>) {
        operation.json::<RegistrationBody>();
    }
}

/// The registration of a device (RFC 7591 §3.2.1).
#[derive(Serialize, ToSchema)]
struct Registration {
    /// The id of the device, which is also its OAuth client id.
    client_id: String,
    /// When the device registered, in seconds since the epoch.
    client_id_issued_at: i64,
    /// The token that reads, replaces and deletes the registration. Keep it secret.
    registration_access_token: String,
    /// The URL of the registration.
    registration_client_uri: String,
    /// The id of the application.
    software_id: String,
    /// The version of the application.
    software_version: String,
    /// `ios` or `android`.
    platform: &'static str,
    device_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    os_version: Option<String>,
    /// The public key of the device.
    #[schema(value_type = Object)]
    jwks: Jwks,
    /// `private_key_jwt`.
    token_endpoint_auth_method: &'static str,
    grant_types: [&'static str; 3],
    response_types: [&'static str; 1],
    /// The name of the application.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_name: Option<String>,
    /// Where authorization responses may be sent: those of the application.
    redirect_uris: Vec<String>,
    /// The scopes that the device may ask for, separated by spaces.
    scope: String,
}

#[derive(Serialize)]
struct Jwks {
    keys: [PublicJwk; 1],
}

impl Registration {
    fn new(api: &Api, device: Device, token: &SecretString) -> Self {
        let settings = api.app.base.settings.load();
        let application = settings.applications.get(&device.application_id);
        let scopes = application.into_iter().flat_map(|known| &known.scopes);
        let scopes = ["device", "user", "openid", "offline_access"]
            .into_iter()
            .chain(scopes.map(String::as_str));

        Self {
            client_name: application.map(|known| known.name.clone()),
            redirect_uris: application.map_or_else(Vec::new, |known| known.redirect_uris.clone()),
            scope: scopes.collect::<Vec<_>>().join(" "),
            registration_client_uri: api.url(&format!("/oauth/register/{}", device.id)),
            client_id: device.id.into(),
            client_id_issued_at: device.created_at.as_secs(),
            registration_access_token: token.expose().to_owned(),
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

async fn register(
    api: SharedApi,
    Source(source): Source,
    InitialAccessToken(initial): InitialAccessToken,
    Metadata(metadata): Metadata,
) -> Result<Created<Registration>, ApiError> {
    let devices = &api.app.devices;
    let registered = devices.register(metadata, source, initial.as_ref()).await?;
    let token = &registered.registration_access_token;

    Ok(Created(Registration::new(&api, registered.device, token)))
}

async fn read_registration(
    api: SharedApi,
    RegistrationToken(token): RegistrationToken,
    Path(id): Path<DeviceId>,
) -> Result<Json<Registration>, ApiError> {
    let devices = &api.app.devices;
    let device = devices.read_registration(&id, token.expose()).await?;

    Ok(Json(Registration::new(&api, device, &token)))
}

async fn update_registration(
    api: SharedApi,
    RegistrationToken(token): RegistrationToken,
    Path(id): Path<DeviceId>,
    Metadata(metadata): Metadata,
) -> Result<Json<Registration>, ApiError> {
    let devices = &api.app.devices;
    let device = devices
        .update_registration(&id, token.expose(), metadata)
        .await?;

    Ok(Json(Registration::new(&api, device, &token)))
}

async fn delete_registration(
    api: SharedApi,
    RegistrationToken(token): RegistrationToken,
    Path(id): Path<DeviceId>,
) -> Result<NoContent, ApiError> {
    let devices = &api.app.devices;
    devices.delete_registration(&id, token.expose()).await?;

    Ok(NoContent)
}
