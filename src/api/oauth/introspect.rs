//! Introspection (RFC 7662): resource servers learn what a token means.

use serde::Serialize;
use utoipa::ToSchema;

use crate::api::context::{Api, SharedApi};
use crate::api::endpoint::{Endpoint, endpoints};
use crate::api::error::{ApiError, Fault};
use crate::api::extract::{Fields, FromFields, Json, ResourceServerForm};
use crate::clock::Timestamp;
use crate::oauth::{Actor, Introspection, TokenType};
use crate::secret::SecretString;

pub(super) const ENDPOINTS: &[Endpoint] = endpoints! {
    /// Tells a resource server what a token means (RFC 7662).
    ///
    /// A token that is unknown, expired, revoked or meant for another resource server is inactive, and
    /// so is a refresh token, unless the client has the permission `token_introspection_all`.
    POST "/oauth/introspect" => introspect;

    /// Tells a resource server what a token means: the same at its documented path.
    POST "/oauth/api/v2/token/introspect" => introspect_v2;

    /// Tells a resource server what a token means, with the seconds that are left in `exp`.
    POST "/oauth/api/v1/token/introspect" => introspect_v1;
};

/// The longest token that is looked up.
const TOKEN_BYTES_MAX: usize = 8192;
const HINT_BYTES_MAX: usize = 255;

/// A token to introspect.
#[derive(ToSchema)]
struct IntrospectionForm {
    /// An access token or a refresh token.
    #[schema(value_type = String)]
    token: SecretString,
    /// `access_token` or `refresh_token`. Ignored: the token itself tells.
    #[expect(dead_code, reason = "checked, and of no further use")]
    token_type_hint: Option<String>,
}

impl FromFields for IntrospectionForm {
    type Schema = Self;

    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            token: fields.required_secret("token", TOKEN_BYTES_MAX)?,
            token_type_hint: fields.text("token_type_hint", HINT_BYTES_MAX)?,
        })
    }
}

/// What a token means.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = Introspection)]
#[expect(
    clippy::large_enum_variant,
    reason = "exists only while the response is written"
)]
enum IntrospectionBody {
    Active(ActiveToken),
    Inactive(InactiveToken),
}

/// A token that is of no use. Why is not told.
#[derive(Serialize, ToSchema)]
struct InactiveToken {
    /// False.
    active: bool,
}

/// A token that can be used.
#[derive(Serialize, ToSchema)]
struct ActiveToken {
    /// True.
    active: bool,
    /// The scopes, separated by spaces.
    scope: String,
    /// The id of the client that the token was issued to.
    client_id: String,
    /// The id of the user. Absent if the token is the client's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    /// The id of the user, or of the client if the token is its own.
    sub: String,
    /// `Bearer` or `DPoP`. Absent for a refresh token.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    /// `access_token` or `refresh_token`.
    token_use: &'static str,
    /// When the token expires, in seconds since the epoch. In version 1: in how many seconds.
    exp: i64,
    /// When the token was issued, in seconds since the epoch.
    iat: i64,
    /// The audience of the resource server, or the issuer if the token is for none.
    aud: String,
    /// The issuer: this server.
    iss: String,
    /// The id of the token.
    jti: String,
    /// The key that the token is bound to (RFC 9449 §6.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<Confirmation>,
    /// Who acts for the user, where the token was exchanged: `{"sub", "act"?}`, the client that has
    /// exchanged it, and in `act` the one before it (RFC 8693 §4.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    act: Option<Actor>,
    /// How the user was authenticated (RFC 8176).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    amr: Vec<String>,
    /// The authentication context class.
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<String>,
    /// When the user was authenticated, in seconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    /// The id of the application, if the client is an app.
    #[serde(skip_serializing_if = "Option::is_none")]
    app_identifier: Option<String>,
    /// `ios` or `android`, if the client is an app.
    #[serde(skip_serializing_if = "Option::is_none")]
    app_platform: Option<String>,
    /// The version of the application, if the client is an app.
    #[serde(skip_serializing_if = "Option::is_none")]
    app_version: Option<String>,
}

/// The key that a token is bound to.
#[derive(Serialize, ToSchema)]
struct Confirmation {
    /// The thumbprint of the key (RFC 7638).
    jkt: String,
}

impl ActiveToken {
    fn new(found: Introspection, exp: i64, iss: &str) -> Self {
        let (app_identifier, app_platform, app_version) = match found.device {
            Some(app) => (
                Some(app.application_id),
                Some(app.platform),
                Some(app.version),
            ),
            None => (None, None, None),
        };

        let sub = found.user_id.as_ref().unwrap_or(&found.client_id).clone();

        Self {
            active: true,
            scope: found.scope,
            sub,
            client_id: found.client_id,
            username: found.user_id,
            token_type: found.token_type.map(TokenType::as_str),
            token_use: match found.token_type {
                Some(_) => "access_token",
                None => "refresh_token",
            },
            exp,
            iat: found.issued_at.as_secs(),
            aud: found.audience,
            iss: iss.to_owned(),
            jti: found.jti.to_string(),
            cnf: found.jkt.map(|jkt| Confirmation { jkt }),
            act: found.actor,
            amr: found.amr,
            acr: found.acr,
            auth_time: found.auth_time.map(Timestamp::as_secs),
            app_identifier,
            app_platform,
            app_version,
        }
    }
}

async fn introspect(
    api: SharedApi,
    request: ResourceServerForm<IntrospectionForm>,
) -> Result<Json<IntrospectionBody>, ApiError> {
    answer(&api, &request, |found| found.expires_at.as_secs()).await
}

async fn introspect_v2(
    api: SharedApi,
    request: ResourceServerForm<IntrospectionForm>,
) -> Result<Json<IntrospectionBody>, ApiError> {
    answer(&api, &request, |found| found.expires_at.as_secs()).await
}

async fn introspect_v1(
    api: SharedApi,
    request: ResourceServerForm<IntrospectionForm>,
) -> Result<Json<IntrospectionBody>, ApiError> {
    let seconds_left = |found: &Introspection| i64::try_from(found.expires_in).unwrap_or(i64::MAX);

    answer(&api, &request, seconds_left).await
}

async fn answer(
    api: &Api,
    request: &ResourceServerForm<IntrospectionForm>,
    exp: impl FnOnce(&Introspection) -> i64,
) -> Result<Json<IntrospectionBody>, ApiError> {
    let token_server = &api.app.token_server;
    let found = token_server
        .introspection
        .introspect(request.client.settings(), request.form.token.expose())
        .await?;

    Ok(Json(match found {
        Some(found) => {
            let exp = exp(&found);
            IntrospectionBody::Active(ActiveToken::new(found, exp, token_server.issuer.as_str()))
        }
        None => IntrospectionBody::Inactive(InactiveToken { active: false }),
    }))
}
