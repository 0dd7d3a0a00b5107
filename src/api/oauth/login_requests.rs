//! Login requests: how the login page learns what it is asked for, and says who the user is.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::str::FromStr;

use actix_web::{HttpResponse, web};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::api::Api;
use crate::api::error::{ApiError, Fault, OAuthBody};
use crate::api::extract::{By, Fields, FromFields, InPath, Json, LoginPage, PathParameter};
use crate::oauth::{AcceptLogin, LoginRequest, Rejection, RequestedScope, RequestingDevice};

/// The longest text that is looked at.
const TEXT_BYTES_MAX: usize = 1024;

/// The `login_challenge` or `consent_challenge` a page was called with; the token server tells
/// whether it is one.
pub(crate) struct Challenge(pub(super) String);

impl FromStr for Challenge {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl PathParameter for Challenge {
    const NAME: &'static str = "challenge";
}

/// A scope, for people.
#[derive(Serialize, ToSchema)]
pub(super) struct ScopeAnswer {
    id: String,
    /// By language code.
    descriptions: BTreeMap<String, String>,
}

impl ScopeAnswer {
    pub(super) fn all(scopes: Vec<RequestedScope>) -> Vec<Self> {
        scopes
            .into_iter()
            .map(|RequestedScope { id, descriptions }| Self { id, descriptions })
            .collect()
    }
}

/// The installation, where the client is one.
#[derive(Serialize, ToSchema)]
pub(super) struct InstalledAnswer {
    /// The application.
    app_id: String,
    app_name: String,
    /// `ios`, `android`.
    platform: &'static str,
    device_name: String,
}

impl From<RequestingDevice> for InstalledAnswer {
    fn from(installed: RequestingDevice) -> Self {
        Self {
            app_id: installed.application_id,
            app_name: installed.application_name,
            platform: installed.platform.as_str(),
            device_name: installed.device_name,
        }
    }
}

/// What a login page is asked for.
#[derive(Serialize, ToSchema)]
pub(crate) struct LoginRequestAnswer {
    /// The web client or the installation.
    client_id: String,
    client_name: String,
    #[serde(flatten)]
    installed: Option<InstalledAnswer>,
    scope: String,
    scopes: Vec<ScopeAnswer>,
    /// Who the client thinks the user is.
    #[serde(skip_serializing_if = "Option::is_none")]
    login_hint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ui_locales: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr_values: Option<String>,
    /// How long ago the user may have logged in, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_age: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt: Option<String>,
    /// RFC 3339.
    requested_at: String,
    /// RFC 3339.
    expires_at: String,
}

impl From<LoginRequest> for LoginRequestAnswer {
    fn from(request: LoginRequest) -> Self {
        Self {
            client_id: request.client_id,
            client_name: request.client_name,
            installed: request.device.map(InstalledAnswer::from),
            scope: request.scope,
            scopes: ScopeAnswer::all(request.scopes),
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

/// The user is who.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "documents the body, which is read member by member"
)]
pub(crate) struct AcceptBody {
    /// The user's id.
    subject: String,
    /// How the user was authenticated (RFC 8176).
    amr: Option<Vec<String>>,
    /// How well.
    acr: Option<String>,
    /// Whether the browser is to remember it, for 30 days: later log-ins skip the login page.
    remember: Option<bool>,
}

impl FromFields for AcceptLogin {
    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            subject: fields.required("subject")?,
            amr: fields.value("amr").map_or_else(|| Ok(Vec::new()), names)?,
            acr: fields.text("acr", TEXT_BYTES_MAX)?,
            remember: boolean(fields, "remember")?,
        })
    }
}

fn names(value: Value) -> Result<Vec<String>, Fault> {
    serde_json::from_value(value)
        .map_err(|_| Fault::parameter("amr", "must be an array of strings"))
}

/// A member that is false without it.
pub(super) fn boolean(fields: &mut Fields, name: &'static str) -> Result<bool, Fault> {
    match fields.value(name) {
        None => Ok(false),
        Some(Value::Bool(value)) => Ok(value),
        Some(_) => Err(Fault::parameter(name, "must be true or false")),
    }
}

/// Why not.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "documents the body, which is read member by member"
)]
pub(crate) struct RejectBody {
    /// `access_denied` without it.
    error: Option<String>,
    error_description: Option<String>,
}

impl FromFields for Rejection {
    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            error: fields.text("error", TEXT_BYTES_MAX)?,
            error_description: fields.text("error_description", TEXT_BYTES_MAX)?,
        })
    }
}

/// Where the user's browser goes on to.
#[derive(Serialize, ToSchema)]
pub(crate) struct RedirectAnswer {
    pub(super) redirect_to: String,
}

/// What the login page is asked for.
#[utoipa::path(
    get,
    path = "/oauth/api/v1/login-requests/{challenge}",
    tag = "Token server",
    params(("challenge" = String, Path)),
    responses((status = 200, body = LoginRequestAnswer), (status = "default", body = OAuthBody)),
    security(("basic" = [])),
)]
pub(crate) async fn login_request(
    api: web::Data<Api>,
    By(_login_page, challenge): By<LoginPage, InPath<Challenge>>,
) -> Result<HttpResponse, ApiError> {
    let request = api
        .app()
        .token_server
        .logins
        .request(&challenge.0.0)
        .await?;
    Ok(HttpResponse::Ok().json(LoginRequestAnswer::from(request)))
}

/// Says who the user is.
#[utoipa::path(
    put,
    path = "/oauth/api/v1/login-requests/{challenge}/accept",
    tag = "Token server",
    params(("challenge" = String, Path)),
    request_body = AcceptBody,
    responses((status = 200, body = RedirectAnswer), (status = "default", body = OAuthBody)),
    security(("basic" = [])),
)]
pub(crate) async fn accept_login(
    api: web::Data<Api>,
    By(client, (challenge, body)): By<LoginPage, (InPath<Challenge>, Json<AcceptLogin>)>,
) -> Result<HttpResponse, ApiError> {
    let redirect_to = api
        .app()
        .token_server
        .logins
        .accept(Some(client.id()), &challenge.0.0, &body.0)
        .await?;
    Ok(HttpResponse::Ok().json(RedirectAnswer { redirect_to }))
}

/// Says that the user is not to be logged in.
#[utoipa::path(
    put,
    path = "/oauth/api/v1/login-requests/{challenge}/reject",
    tag = "Token server",
    params(("challenge" = String, Path)),
    request_body = RejectBody,
    responses((status = 200, body = RedirectAnswer), (status = "default", body = OAuthBody)),
    security(("basic" = [])),
)]
pub(crate) async fn reject_login(
    api: web::Data<Api>,
    By(_login_page, (challenge, body)): By<LoginPage, (InPath<Challenge>, Json<Rejection>)>,
) -> Result<HttpResponse, ApiError> {
    let redirect_to = api
        .app()
        .token_server
        .logins
        .reject(&challenge.0.0, &body.0)
        .await?;
    Ok(HttpResponse::Ok().json(RedirectAnswer { redirect_to }))
}
