//! The device authorization endpoint (RFC 8628 §3.1). A "device" of that RFC is an appliance
//! elsewhere in this server: a television, say, which shows the user a code.

use serde::Serialize;
use utoipa::ToSchema;

use crate::api::context::SharedApi;
use crate::api::endpoint::{Endpoint, endpoints};
use crate::api::error::{ApiError, Fault};
use crate::api::extract::{CredentialsForm, Fields, FromFields, Json};
use crate::oauth;

pub(super) const ENDPOINTS: &[Endpoint] = endpoints! {
    /// Starts the log-in of a user on an appliance, such as a television (RFC 8628).
    ///
    /// The appliance shows the `user_code`, and asks for the token with the `device_code` until the
    /// user has decided.
    POST "/oauth/device_authorization" => authorize_appliance,
        400 "A parameter is missing or malformed, or the client may not ask for this.",
        401 "The client is unknown, or its credentials are wrong, expired or used before.";
};

/// The longest parameter.
const TEXT_BYTES_MAX: usize = 2048;

/// What an appliance asks for.
#[derive(ToSchema)]
struct ApplianceForm {
    /// The scopes that the client asks for, separated by spaces.
    scope: Option<String>,
    /// The audience of a resource server, for which the tokens are meant (RFC 8707).
    resource: Option<String>,
}

impl FromFields for ApplianceForm {
    type Schema = Self;

    /// RFC 6749 §3.2.
    const IGNORES_UNKNOWN: bool = true;

    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            scope: fields.text("scope", TEXT_BYTES_MAX)?,
            resource: fields.text("resource", TEXT_BYTES_MAX)?,
        })
    }
}

/// The codes for an appliance and its user (RFC 8628 §3.2).
#[derive(Serialize, ToSchema)]
struct ApplianceAuthorization {
    /// The code to ask for the token with. Keep it secret.
    device_code: String,
    /// The code to show to the user: `XXXX-XXXX`.
    user_code: String,
    /// The page where the user enters the code.
    verification_uri: String,
    /// The same, with the code filled in.
    verification_uri_complete: String,
    /// How long the codes are valid, in seconds.
    expires_in: u64,
    /// How long to wait between two requests for the token, in seconds.
    interval: i32,
}

impl From<oauth::ApplianceAuthorization> for ApplianceAuthorization {
    fn from(authorization: oauth::ApplianceAuthorization) -> Self {
        Self {
            device_code: authorization.device_code.expose().to_owned(),
            user_code: authorization.user_code,
            verification_uri: authorization.verification_uri,
            verification_uri_complete: authorization.verification_uri_complete,
            expires_in: authorization.expires_in.as_secs(),
            interval: authorization.interval,
        }
    }
}

async fn authorize_appliance(
    api: SharedApi,
    CredentialsForm { credentials, form }: CredentialsForm<ApplianceForm>,
) -> Result<Json<ApplianceAuthorization>, ApiError> {
    let ApplianceForm { scope, resource } = form;
    let token_server = &api.app.token_server;
    let authorization = token_server
        .appliances
        .authorize(&credentials, scope.as_deref(), resource.as_deref())
        .await?;

    Ok(Json(authorization.into()))
}
