//! Login requests: the login page learns what it is asked for, and tells who the user is.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::page_requests::{
    Challenge, DeviceBody, InstallationBody, RedirectBody, ScopeBody, TEXT_BYTES_MAX,
};
use crate::api::context::SharedApi;
use crate::api::endpoint::{Endpoint, endpoints};
use crate::api::error::{ApiError, Fault};
use crate::api::extract::{Fields, FromFields, Json, LoginPage, Path};
use crate::clock::Timestamp;
use crate::oauth::{AcceptLogin, Claims, LoginRequest, Rejection};

/// The year 9999.
const AUTH_TIME_MAX: i64 = 253_402_300_799;

pub(super) const ENDPOINTS: &[Endpoint] = endpoints! {
    /// Reads a login request, with which a login page was called.
    GET "/oauth/api/v1/login-requests/{challenge}" => read_login_request,
        404 "There is no such request, or it has expired.",
        409 "The request has been answered already.";

    /// Accepts a login request: tells who the user is.
    PUT "/oauth/api/v1/login-requests/{challenge}/accept" => accept_login,
        403 "The client does not have the permission, or the user is disabled (`user_disabled`).",
        404 "There is no such request, or it has expired.",
        409 "The request has been answered already.";

    /// Rejects a login request: the user is not logged in.
    PUT "/oauth/api/v1/login-requests/{challenge}/reject" => reject_login,
        404 "There is no such request, or it has expired.",
        409 "The request has been answered already.";
};

/// What a client asks of a login page.
#[derive(Serialize, ToSchema)]
#[schema(as = LoginRequest)]
struct LoginRequestBody {
    /// The id of the web client or the device.
    client_id: String,
    /// The name of the web client or the application.
    client_name: String,
    /// The installation that the user logs in on. Absent if the client is a web client.
    #[serde(skip_serializing_if = "Option::is_none")]
    installation: Option<InstallationBody>,
    /// The appliance that the user connects. Absent if the user is at a browser of the client's.
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<DeviceBody>,
    /// The scopes that the client asks for, separated by spaces.
    scope: String,
    /// The same, one by one.
    scopes: Vec<ScopeBody>,
    /// The user whom the client expects.
    #[serde(skip_serializing_if = "Option::is_none")]
    login_hint: Option<String>,
    /// The languages that the user prefers, separated by spaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    ui_locales: Option<String>,
    /// The authentication context classes that the client prefers, separated by spaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    acr_values: Option<String>,
    /// How long ago the user may have been authenticated, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_age: Option<u32>,
    /// The `prompt` of the client (OpenID Connect Core §3.1.2.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt: Option<String>,
    /// When the client asked, in RFC 3339.
    requested_at: String,
    /// Until when the page may answer, in RFC 3339.
    expires_at: String,
}

impl From<LoginRequest> for LoginRequestBody {
    fn from(request: LoginRequest) -> Self {
        Self {
            client_id: request.client_id,
            client_name: request.client_name,
            installation: request.installation.map(InstallationBody::from),
            device: request.user_code.map(|user_code| DeviceBody { user_code }),
            scope: request.scope,
            scopes: request.scopes.into_iter().map(ScopeBody::from).collect(),
            login_hint: request.login_hint,
            ui_locales: request.ui_locales,
            acr_values: request.acr_values,
            max_age: request.max_age,
            prompt: request.prompt,
            requested_at: request.requested_at.to_rfc3339(),
            expires_at: request.expires_at.to_rfc3339(),
        }
    }
}

/// The user who was authenticated.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "documents the body, which is read member by member"
)]
pub(crate) struct AcceptLoginBody {
    /// The id of the user: 1 to 255 bytes.
    subject: String,
    /// How the user was authenticated (RFC 8176): at most 10 names of at most 64 bytes.
    amr: Option<Vec<String>>,
    /// The authentication context class: at most 255 bytes.
    acr: Option<String>,
    /// When the user was authenticated, in seconds since the epoch: not in the future, and not longer
    /// ago than `max_age` and `prompt` allow. Default: now.
    auth_time: Option<i64>,
    /// Claims about the user (OpenID Connect Core §5.1), which the scopes give out: at most 32, at
    /// most 4,096 bytes of JSON.
    claims: Option<Map<String, Value>>,
    /// Whether the browser remembers the log-in for 30 days, in which it needs no login page.
    /// Default: false.
    remember: Option<bool>,
}

impl FromFields for AcceptLogin {
    type Schema = AcceptLoginBody;

    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            subject: fields.required("subject")?,
            amr: fields.texts("amr")?.unwrap_or_default(),
            acr: fields.text("acr", TEXT_BYTES_MAX)?,
            auth_time: auth_time(fields)?,
            claims: claims(fields)?,
            remember: fields.boolean("remember")?,
        })
    }
}

fn auth_time(fields: &mut Fields) -> Result<Option<Timestamp>, Fault> {
    let Some(value) = fields.value("auth_time") else {
        return Ok(None);
    };

    let seconds = value
        .as_i64()
        .filter(|seconds| (0..=AUTH_TIME_MAX).contains(seconds));
    let seconds = seconds.ok_or_else(|| {
        Fault::parameter("auth_time", "must be a number of seconds since the epoch")
    })?;

    Ok(Some(Timestamp::from_millis(seconds * 1000)))
}

fn claims(fields: &mut Fields) -> Result<Claims, Fault> {
    match fields.value("claims") {
        None => Ok(Claims::default()),
        Some(Value::Object(claims)) => {
            Claims::new(claims).map_err(|problem| Fault::parameter("claims", problem))
        }
        Some(_) => Err(Fault::parameter("claims", "must be an object")),
    }
}

async fn read_login_request(
    api: SharedApi,
    _page: LoginPage,
    Path(Challenge(challenge)): Path<Challenge>,
) -> Result<Json<LoginRequestBody>, ApiError> {
    let request = api.app.token_server.logins.request(&challenge).await?;

    Ok(Json(request.into()))
}

async fn accept_login(
    api: SharedApi,
    page: LoginPage,
    Path(Challenge(challenge)): Path<Challenge>,
    Json(accepted): Json<AcceptLogin>,
) -> Result<Json<RedirectBody>, ApiError> {
    let token_server = &api.app.token_server;
    let redirect_to = token_server
        .logins
        .accept(Some(page.id()), &challenge, &accepted)
        .await?;

    Ok(Json(RedirectBody { redirect_to }))
}

async fn reject_login(
    api: SharedApi,
    _page: LoginPage,
    Path(Challenge(challenge)): Path<Challenge>,
    Json(rejected): Json<Rejection>,
) -> Result<Json<RedirectBody>, ApiError> {
    let token_server = &api.app.token_server;
    let redirect_to = token_server.logins.reject(&challenge, &rejected).await?;

    Ok(Json(RedirectBody { redirect_to }))
}
