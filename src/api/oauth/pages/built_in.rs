//! Login and consent pages for trying the server out: they believe whatever they are told, and
//! exist in development mode only.
//!
//! A challenge cannot be guessed and is good once, so that no other site can send these forms for
//! somebody.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::{StatusCode, header};
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use utoipa::ToSchema;

use super::html::{FormsLead, escape, page};
use crate::api::Api;
use crate::api::error::{ApiError, Area, Fault, OAuthBody};
use crate::api::extract::{By, Fields, Form, FromFields, Query};
use crate::ids::UserId;
use crate::oauth::{AcceptConsent, AcceptLogin, Rejection, RequestedScope};

const NOTICE: &str = "<p><strong>Not for production.</strong> This page is built in for trying the server out: it believes anybody.</p>";
/// The longest parameter that is looked at, in bytes.
const TEXT_BYTES_MAX: usize = 255;

/// The server is tried out: without that there are no such pages.
pub(crate) struct Development;

impl FromRequest for Development {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let api = request.app_data::<web::Data<Api>>();
        let there = api.is_some_and(|api| api.app().token_server.pages.are_built_in());
        ready(if there {
            Ok(Self)
        } else {
            Err(ApiError::from_fault(&Fault::NotFound, Area::OAuth))
        })
    }
}

/// What the login page is called with.
pub(crate) struct LoginChallenge(String);

impl FromFields for LoginChallenge {
    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self(
            fields.required_text("login_challenge", TEXT_BYTES_MAX)?,
        ))
    }
}

/// What the consent page is called with.
pub(crate) struct ConsentChallenge(String);

impl FromFields for ConsentChallenge {
    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self(
            fields.required_text("consent_challenge", TEXT_BYTES_MAX)?,
        ))
    }
}

/// What the login page asks.
#[derive(ToSchema)]
pub(crate) struct LoginForm {
    login_challenge: String,
    /// Who the user says to be; needed to log in.
    #[schema(value_type = Option<String>)]
    user_id: Option<UserId>,
    /// `on`.
    remember: Option<String>,
    /// `allow`, `deny`.
    decision: Option<String>,
}

impl FromFields for LoginForm {
    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            login_challenge: fields.required_text("login_challenge", TEXT_BYTES_MAX)?,
            user_id: fields.parsed("user_id")?,
            remember: fields.text("remember", TEXT_BYTES_MAX)?,
            decision: fields.text("decision", TEXT_BYTES_MAX)?,
        })
    }
}

/// What the consent page asks.
#[derive(ToSchema)]
pub(crate) struct ConsentForm {
    consent_challenge: String,
    /// `on`.
    remember: Option<String>,
    /// `allow`, `deny`.
    decision: Option<String>,
}

impl FromFields for ConsentForm {
    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            consent_challenge: fields.required_text("consent_challenge", TEXT_BYTES_MAX)?,
            remember: fields.text("remember", TEXT_BYTES_MAX)?,
            decision: fields.text("decision", TEXT_BYTES_MAX)?,
        })
    }
}

fn is_allowed(decision: Option<&str>) -> bool {
    decision == Some("allow")
}

/// Asks who the user is.
#[utoipa::path(
    get,
    path = "/oauth/login",
    tag = "Development",
    params(("login_challenge" = String, Query)),
    responses((status = 200, description = "A page", content_type = "text/html"), (status = "default", body = OAuthBody)),
)]
pub(crate) async fn login_page(
    api: web::Data<Api>,
    By(_development, challenge): By<Development, Query<LoginChallenge>>,
) -> Result<HttpResponse, ApiError> {
    let request = api
        .app()
        .token_server
        .logins
        .request(&challenge.0.0)
        .await?;
    let body = format!(
        "{NOTICE}\n<p>{client} wants to know who you are.</p>\n{form}\
         <label>User id <input name=\"user_id\" value=\"{hint}\" maxlength=\"255\" autofocus></label>\n\
         <label><input type=\"checkbox\" name=\"remember\"> Remember me in this browser</label>\n{BUTTONS}</form>",
        client = escape(&request.client_name),
        form = form_head(&api, "/oauth/login", "login_challenge", &challenge.0.0),
        hint = escape(request.login_hint.as_deref().unwrap_or_default()),
    );
    Ok(page(StatusCode::OK, "Log in", &body, &FormsLead::Anywhere))
}

/// Believes who the user is.
#[utoipa::path(
    post,
    path = "/oauth/login",
    tag = "Development",
    request_body(content = LoginForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Where to go on"), (status = "default", body = OAuthBody)),
)]
pub(crate) async fn post_login(
    api: web::Data<Api>,
    By(_development, form): By<Development, Form<LoginForm>>,
) -> Result<HttpResponse, ApiError> {
    let LoginForm {
        login_challenge,
        user_id,
        remember,
        decision,
    } = form.0;
    let token_server = &api.app().token_server;
    if !is_allowed(decision.as_deref()) {
        return Ok(see_other(
            &token_server
                .logins
                .reject(&login_challenge, &Rejection::default())
                .await?,
        ));
    }
    let missing = || ApiError::from_fault(&Fault::missing("user_id"), Area::OAuth);
    let answer = AcceptLogin {
        subject: user_id.ok_or_else(missing)?,
        amr: Vec::new(),
        acr: None,
        remember: remember.is_some(),
    };
    Ok(see_other(
        &token_server
            .logins
            .accept(None, &login_challenge, &answer)
            .await?,
    ))
}

/// Asks what the user allows.
#[utoipa::path(
    get,
    path = "/oauth/consent",
    tag = "Development",
    params(("consent_challenge" = String, Query)),
    responses((status = 200, description = "A page", content_type = "text/html"), (status = "default", body = OAuthBody)),
)]
pub(crate) async fn consent_page(
    api: web::Data<Api>,
    By(_development, challenge): By<Development, Query<ConsentChallenge>>,
) -> Result<HttpResponse, ApiError> {
    let request = api
        .app()
        .token_server
        .consents
        .request(&challenge.0.0)
        .await?;
    let body = format!(
        "{NOTICE}\n<p>{user}, do you allow {client}:</p>\n<ul>{scopes}</ul>\n{form}\
         <label><input type=\"checkbox\" name=\"remember\"> Do not ask again</label>\n{BUTTONS}</form>",
        user = escape(&request.subject),
        client = escape(&request.client_name),
        scopes = request.scopes.iter().map(scope_item).collect::<String>(),
        form = form_head(&api, "/oauth/consent", "consent_challenge", &challenge.0.0),
    );
    Ok(page(
        StatusCode::OK,
        "Allow access",
        &body,
        &FormsLead::Anywhere,
    ))
}

/// Takes what the user allows.
#[utoipa::path(
    post,
    path = "/oauth/consent",
    tag = "Development",
    request_body(content = ConsentForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Where to go on"), (status = "default", body = OAuthBody)),
)]
pub(crate) async fn post_consent(
    api: web::Data<Api>,
    By(_development, form): By<Development, Form<ConsentForm>>,
) -> Result<HttpResponse, ApiError> {
    let ConsentForm {
        consent_challenge,
        remember,
        decision,
    } = form.0;
    let token_server = &api.app().token_server;
    if !is_allowed(decision.as_deref()) {
        return Ok(see_other(
            &token_server
                .consents
                .reject(&consent_challenge, &Rejection::default())
                .await?,
        ));
    }
    let answer = AcceptConsent {
        granted_scopes: None,
        remember: remember.is_some(),
    };
    Ok(see_other(
        &token_server
            .consents
            .accept(&consent_challenge, &answer)
            .await?,
    ))
}

/// Denying stands beside allowing and is as easy.
const BUTTONS: &str = "<button name=\"decision\" value=\"allow\">Allow</button>\n\
                       <button name=\"decision\" value=\"deny\">Deny</button>\n";

fn form_head(api: &Api, path: &str, name: &str, challenge: &str) -> String {
    let (action, challenge) = (escape(&api.link(path)), escape(challenge));
    format!(
        "<form method=\"post\" action=\"{action}\">\n<input type=\"hidden\" name=\"{name}\" value=\"{challenge}\">\n"
    )
}

fn scope_item(scope: &RequestedScope) -> String {
    let text = scope.descriptions.get("en").unwrap_or(&scope.id);
    format!("<li>{}</li>", escape(text))
}

fn see_other(address: &str) -> HttpResponse {
    let headers = [
        (header::LOCATION, address),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    let mut response = HttpResponse::SeeOther();
    for one in headers {
        response.insert_header(one);
    }
    response.finish()
}
