//! The authorization endpoint (RFC 6749 §3.1).

use utoipa::ToSchema;

use super::redirect::SeeOther;
use crate::api::context::SharedApi;
use crate::api::endpoint::{Endpoint, endpoints};
use crate::api::error::{ApiError, Fault};
use crate::api::extract::{AcceptLanguage, Cookies, Fields, Form, FromFields, Query};
use crate::oauth::{AuthorizeRequest, Browser};

pub(super) const ENDPOINTS: &[Endpoint] = endpoints! {
    /// Starts the log-in of a user: sends the browser to a page that asks the user, or back to the
    /// client.
    ///
    /// The response is an error only if the client or its `redirect_uri` is unknown; all other errors
    /// go to the client, as parameters of its `redirect_uri`. After a pushed request (RFC 9126), only
    /// `client_id` and `request_uri` are sent.
    GET "/oauth/authorize" => authorize;

    /// Starts the log-in of a user, with the parameters in a form.
    ///
    /// For parameters that are too long or too private for a URL (OpenID Connect Core §3.1.2.1).
    POST "/oauth/authorize" => post_authorize;

    /// Takes the browser back from the login page or the consent page.
    ///
    /// The page sends the browser here: accepting or rejecting its request returned this URL. The
    /// browser has to be the one that began.
    GET "/oauth/authorize/resume" => resume,
        403 "The log-in was begun in another browser, or the user is disabled.",
        404 "There is no such request, or it has expired.";
};

/// The longest parameter.
const TEXT_BYTES_MAX: usize = 16_384;

/// A request for an authorization code.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents the form, which is read field by field")]
pub(crate) struct AuthorizeForm {
    /// `code`. Required, except with `request_uri`.
    response_type: Option<String>,
    /// `query`, or `form_post`: the browser posts the answer to the client. Default: `query`.
    response_mode: Option<String>,
    /// The id of the web client or the device.
    client_id: String,
    /// A redirect URI of the client, exactly as it is configured. Required if the client has several,
    /// except with `request_uri`.
    redirect_uri: Option<String>,
    /// The scopes that the client asks for, separated by spaces.
    scope: Option<String>,
    /// A value that the client gets back.
    state: Option<String>,
    /// A value that the ID token contains.
    nonce: Option<String>,
    /// The SHA-256 of the `code_verifier`, in base64url (RFC 7636). Required, except with
    /// `request_uri`, and of clients with `require_pkce = false`, which then send a `nonce`.
    code_challenge: Option<String>,
    /// `S256`.
    code_challenge_method: Option<String>,
    /// The audience of a resource server, for which the tokens are meant (RFC 8707).
    resource: Option<String>,
    /// `none`, `login`, `consent` or `select_account`.
    prompt: Option<String>,
    /// How long ago the user may have been authenticated, in seconds.
    max_age: Option<String>,
    /// The user whom the client expects.
    login_hint: Option<String>,
    /// An ID token of the user whom the client expects, expired or not: nobody else is logged in.
    id_token_hint: Option<String>,
    /// The languages that the user prefers, separated by spaces.
    ui_locales: Option<String>,
    /// The authentication context classes that the client prefers, separated by spaces.
    acr_values: Option<String>,
    /// The thumbprint of the key that the code is bound to (RFC 9449 §10).
    dpop_jkt: Option<String>,
    /// The `request_uri` of a pushed request (RFC 9126).
    request_uri: Option<String>,
}

impl FromFields for AuthorizeRequest {
    type Schema = AuthorizeForm;

    /// RFC 6749 §3.1.
    const IGNORES_UNKNOWN: bool = true;

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
            id_token_hint: text("id_token_hint")?,
            ui_locales: text("ui_locales")?,
            acr_values: text("acr_values")?,
            dpop_jkt: text("dpop_jkt")?,
            request_uri: text("request_uri")?,
            request: text("request")?,
        })
    }
}

async fn authorize(
    api: SharedApi,
    language: AcceptLanguage,
    Cookies(browser): Cookies,
    Query(request): Query<AuthorizeRequest>,
) -> Result<SeeOther, ApiError> {
    begin(&api, &language, &request, &browser).await
}

async fn post_authorize(
    api: SharedApi,
    language: AcceptLanguage,
    Cookies(browser): Cookies,
    Form(request): Form<AuthorizeRequest>,
) -> Result<SeeOther, ApiError> {
    begin(&api, &language, &request, &browser).await
}

async fn begin(
    api: &SharedApi,
    language: &AcceptLanguage,
    request: &AuthorizeRequest,
    browser: &Browser,
) -> Result<SeeOther, ApiError> {
    let endpoint = &api.app.token_server.authorization;
    let redirect = endpoint.authorize(request, browser).await?;

    SeeOther::with_cookie(api, language, redirect)
}

/// The end of a visit to a page.
#[derive(ToSchema)]
struct ResumeQuery {
    /// The value in that URL.
    verifier: String,
}

impl FromFields for ResumeQuery {
    type Schema = Self;

    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            verifier: fields.required_text("verifier", TEXT_BYTES_MAX)?,
        })
    }
}

async fn resume(
    api: SharedApi,
    language: AcceptLanguage,
    Cookies(browser): Cookies,
    Query(ResumeQuery { verifier }): Query<ResumeQuery>,
) -> Result<SeeOther, ApiError> {
    let endpoint = &api.app.token_server.authorization;
    let redirect = endpoint.resume(&verifier, &browser).await?;

    SeeOther::with_cookie(&api, &language, redirect)
}
