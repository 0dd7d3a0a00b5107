//! The authorization endpoint (RFC 6749 §3.1).

use actix_web::{HttpResponse, web};
use utoipa::ToSchema;

use super::redirect::redirect;
use crate::api::Api;
use crate::api::error::{ApiError, Fault, OAuthBody};
use crate::api::extract::{Cookies, Fields, Form, FromFields, Query};
use crate::oauth::AuthorizeRequest;

/// The longest parameter that is looked at.
const TEXT_BYTES_MAX: usize = 2048;

impl FromFields for AuthorizeRequest {
    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        let mut text = |name| fields.text(name, TEXT_BYTES_MAX);
        Ok(Self {
            response_type: text("response_type")?,
            response_mode: text("response_mode")?,
            client_id: text("client_id")?,
            redirect_uri: text("redirect_uri")?,
            scope: text("scope")?,
            state: text("state")?,
            nonce: text("nonce")?,
            code_challenge: text("code_challenge")?,
            code_challenge_method: text("code_challenge_method")?,
            resource: text("resource")?,
            prompt: text("prompt")?,
            max_age: text("max_age")?,
            login_hint: text("login_hint")?,
            ui_locales: text("ui_locales")?,
            acr_values: text("acr_values")?,
            dpop_jkt: text("dpop_jkt")?,
            request_uri: text("request_uri")?,
            request: text("request")?,
        })
    }
}

/// The same parameters in a form.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents the form, which is read field by field")]
pub(crate) struct AuthorizeForm {
    /// `code`.
    pub(super) response_type: String,
    /// The web client or the installation.
    pub(super) client_id: String,
    /// One of the client's, exactly.
    pub(super) redirect_uri: String,
    pub(super) scope: Option<String>,
    pub(super) state: Option<String>,
    pub(super) nonce: Option<String>,
    /// RFC 7636.
    pub(super) code_challenge: String,
    /// `S256`.
    pub(super) code_challenge_method: String,
    /// RFC 8707.
    pub(super) resource: Option<String>,
    /// `none`, `login`, `consent`, `select_account`.
    pub(super) prompt: Option<String>,
    /// Seconds.
    pub(super) max_age: Option<String>,
    pub(super) login_hint: Option<String>,
    pub(super) ui_locales: Option<String>,
    pub(super) acr_values: Option<String>,
    /// RFC 9449 §10.
    pub(super) dpop_jkt: Option<String>,
}

/// Sends the user's browser to a page that asks the user, or back to the client.
#[utoipa::path(
    get,
    path = "/oauth/authorize",
    tag = "Token server",
    params(
        ("response_type" = String, Query, description = "`code`"),
        ("client_id" = String, Query, description = "The web client or the installation"),
        ("redirect_uri" = String, Query, description = "One of the client's, exactly"),
        ("scope" = Option<String>, Query),
        ("state" = Option<String>, Query),
        ("nonce" = Option<String>, Query, description = "For the ID token"),
        ("code_challenge" = String, Query, description = "RFC 7636"),
        ("code_challenge_method" = String, Query, description = "`S256`"),
        ("resource" = Option<String>, Query, description = "RFC 8707"),
        ("prompt" = Option<String>, Query, description = "`none`, `login`, `consent`, `select_account`"),
        ("max_age" = Option<String>, Query, description = "Seconds"),
        ("login_hint" = Option<String>, Query),
        ("ui_locales" = Option<String>, Query),
        ("acr_values" = Option<String>, Query),
        ("dpop_jkt" = Option<String>, Query, description = "RFC 9449 §10"),
        ("request_uri" = Option<String>, Query, description = "Of a pushed request, instead of all but `client_id`"),
    ),
    responses((status = 303, description = "Where to go on"), (status = "default", body = OAuthBody)),
)]
pub(crate) async fn authorize(
    api: web::Data<Api>,
    browser: Cookies,
    request: Query<AuthorizeRequest>,
) -> Result<HttpResponse, ApiError> {
    redirect(
        &api,
        &api.app()
            .token_server
            .authorization
            .authorize(&request.0, &browser.0)
            .await?,
    )
}

/// The same, for what is too long or too private for an address (OpenID Connect Core §3.1.2.1).
#[utoipa::path(
    post,
    path = "/oauth/authorize",
    tag = "Token server",
    request_body(content = AuthorizeForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Where to go on"), (status = "default", body = OAuthBody)),
)]
pub(crate) async fn post_authorize(
    api: web::Data<Api>,
    browser: Cookies,
    request: Form<AuthorizeRequest>,
) -> Result<HttpResponse, ApiError> {
    redirect(
        &api,
        &api.app()
            .token_server
            .authorization
            .authorize(&request.0, &browser.0)
            .await?,
    )
}

/// What brings a browser back from the login page.
pub(crate) struct Verifier(String);

impl FromFields for Verifier {
    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self(
            fields.required_text("login_verifier", TEXT_BYTES_MAX)?,
        ))
    }
}

/// Has the browser remember the login, and sends it on.
#[utoipa::path(
    get,
    path = "/oauth/authorize/resume",
    tag = "Token server",
    params(("login_verifier" = String, Query, description = "As the login page was told")),
    responses((status = 303, description = "Where to go on"), (status = "default", body = OAuthBody)),
)]
pub(crate) async fn resume_login(
    api: web::Data<Api>,
    browser: Cookies,
    verifier: Query<Verifier>,
) -> Result<HttpResponse, ApiError> {
    redirect(
        &api,
        &api.app()
            .token_server
            .logins
            .resume(&verifier.0.0, &browser.0)
            .await?,
    )
}
