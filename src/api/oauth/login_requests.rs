//! Login requests: the login page learns what it is asked for, and tells who the user is.

use serde::Serialize;
use utoipa::ToSchema;

use super::page_requests::{Challenge, RedirectBody, RequestingApp, ScopeBody, TEXT_BYTES_MAX};
use crate::api::context::SharedApi;
use crate::api::endpoint::{Endpoint, endpoints};
use crate::api::error::{ApiError, Fault};
use crate::api::extract::{Fields, FromFields, Json, LoginPage, Path};
use crate::oauth::{AcceptLogin, LoginRequest, Rejection};

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
    #[serde(flatten)]
    app: Option<RequestingApp>,
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
            app: request.device.map(RequestingApp::from),
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
            remember: fields.boolean("remember")?,
        })
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
