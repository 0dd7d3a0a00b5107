//! Login and consent pages for trying the server out. They believe whatever the user says, so they
//! exist in development mode only.
//!
//! The forms need no protection against other sites: a challenge cannot be guessed and can be used
//! once.

use actix_web::http::StatusCode;
use utoipa::ToSchema;

use super::html::{FormTargets, Page, escape};
use super::redirect::SeeOther;
use crate::api::context::{Api, SharedApi};
use crate::api::endpoint::{Endpoint, endpoints};
use crate::api::error::{ApiError, Fault};
use crate::api::extract::{Extract, Fields, Form, FromFields, Query, Request};
use crate::api::openapi::Operation;
use crate::ids::UserId;
use crate::oauth::{AcceptConsent, AcceptLogin, Rejection, RequestedScope};

pub(super) const ENDPOINTS: &[Endpoint] = endpoints! {
    /// Shows a page that asks for the id of the user.
    GET "/oauth/login" => show_login_page;

    /// Takes the id of the user, without a check, and sends the browser on.
    POST "/oauth/login" => post_login;

    /// Shows a page that asks what the user allows.
    GET "/oauth/consent" => show_consent_page;

    /// Takes what the user allows, and sends the browser on.
    POST "/oauth/consent" => post_consent;
};

const NOTICE: &str = "<p><strong>Not for production.</strong> This built-in page is for trying the \
                      server out: it believes anybody.</p>";
/// Denying is as easy as allowing.
const BUTTONS: &str = "<button name=\"decision\" value=\"allow\">Allow</button>\n\
                       <button name=\"decision\" value=\"deny\">Deny</button>\n";
/// The longest parameter.
const TEXT_BYTES_MAX: usize = 255;

/// The server is in development mode. Otherwise these pages do not exist.
struct Development;

impl Extract for Development {
    async fn extract(request: &mut Request<'_>) -> Result<Self, ApiError> {
        if request.api.app.token_server.pages.are_built_in() {
            Ok(Self)
        } else {
            Err(Fault::NotFound.into())
        }
    }

    fn describe(operation: &mut Operation<'_>) {
        operation.error(
            StatusCode::NOT_FOUND,
            "The server does not have `development.login_page`, or there is no such request.",
        );
    }
}

/// How the login page is called.
#[derive(ToSchema)]
struct LoginQuery {
    /// The challenge of the login request.
    login_challenge: String,
}

impl FromFields for LoginQuery {
    type Schema = Self;

    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            login_challenge: fields.required_text("login_challenge", TEXT_BYTES_MAX)?,
        })
    }
}

/// How the consent page is called.
#[derive(ToSchema)]
struct ConsentQuery {
    /// The challenge of the consent request.
    consent_challenge: String,
}

impl FromFields for ConsentQuery {
    type Schema = Self;

    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            consent_challenge: fields.required_text("consent_challenge", TEXT_BYTES_MAX)?,
        })
    }
}

/// The form of the login page.
#[derive(ToSchema)]
struct LoginForm {
    /// The challenge of the login request.
    login_challenge: String,
    /// The id of the user. Required to allow.
    #[schema(value_type = Option<String>)]
    user_id: Option<UserId>,
    /// `on`: the browser remembers the log-in.
    remember: Option<String>,
    /// `allow` or `deny`.
    decision: Option<String>,
}

impl FromFields for LoginForm {
    type Schema = Self;

    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            login_challenge: fields.required_text("login_challenge", TEXT_BYTES_MAX)?,
            user_id: fields.parsed("user_id")?,
            remember: fields.text("remember", TEXT_BYTES_MAX)?,
            decision: fields.text("decision", TEXT_BYTES_MAX)?,
        })
    }
}

/// The form of the consent page.
#[derive(ToSchema)]
struct ConsentForm {
    /// The challenge of the consent request.
    consent_challenge: String,
    /// `on`: the user is not asked again for the same scopes.
    remember: Option<String>,
    /// `allow` or `deny`.
    decision: Option<String>,
}

impl FromFields for ConsentForm {
    type Schema = Self;

    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            consent_challenge: fields.required_text("consent_challenge", TEXT_BYTES_MAX)?,
            remember: fields.text("remember", TEXT_BYTES_MAX)?,
            decision: fields.text("decision", TEXT_BYTES_MAX)?,
        })
    }
}

async fn show_login_page(
    api: SharedApi,
    _development: Development,
    Query(LoginQuery { login_challenge }): Query<LoginQuery>,
) -> Result<Page, ApiError> {
    let token_server = &api.app.token_server;
    let request = token_server.logins.request(&login_challenge).await?;

    let body = format!(
        "{NOTICE}\n<p>{client} wants to know who you are.</p>\n{form}\
         <label>User id <input name=\"user_id\" value=\"{hint}\" maxlength=\"255\" autofocus></label>\n\
         <label><input type=\"checkbox\" name=\"remember\"> Remember me in this browser</label>\n\
         {BUTTONS}</form>",
        client = escape(&request.client_name),
        form = form_head(&api, "/oauth/login", "login_challenge", &login_challenge),
        hint = escape(request.login_hint.as_deref().unwrap_or_default()),
    );

    Ok(Page::new("Log in", body, FormTargets::Any))
}

async fn post_login(
    api: SharedApi,
    _development: Development,
    Form(form): Form<LoginForm>,
) -> Result<SeeOther, ApiError> {
    let token_server = &api.app.token_server;
    let challenge = &form.login_challenge;

    let redirect_to = if form.decision.as_deref() == Some("allow") {
        let subject = form.user_id.ok_or_else(|| Fault::missing("user_id"))?;
        let accepted = AcceptLogin {
            remember: form.remember.is_some(),
            ..AcceptLogin::of(subject)
        };

        token_server
            .logins
            .accept(None, challenge, &accepted)
            .await?
    } else {
        token_server
            .logins
            .reject(challenge, &Rejection::default())
            .await?
    };

    Ok(SeeOther::to(redirect_to))
}

async fn show_consent_page(
    api: SharedApi,
    _development: Development,
    Query(ConsentQuery { consent_challenge }): Query<ConsentQuery>,
) -> Result<Page, ApiError> {
    let token_server = &api.app.token_server;
    let request = token_server.consents.request(&consent_challenge).await?;

    let body = format!(
        "{NOTICE}\n<p>{user}, do you allow {client}:</p>\n<ul>{scopes}</ul>\n{form}\
         <label><input type=\"checkbox\" name=\"remember\"> Do not ask again</label>\n\
         {BUTTONS}</form>",
        user = escape(&request.subject),
        client = escape(&request.client_name),
        scopes = request.scopes.iter().map(scope_item).collect::<String>(),
        form = form_head(
            &api,
            "/oauth/consent",
            "consent_challenge",
            &consent_challenge
        ),
    );

    Ok(Page::new("Allow access", body, FormTargets::Any))
}

async fn post_consent(
    api: SharedApi,
    _development: Development,
    Form(form): Form<ConsentForm>,
) -> Result<SeeOther, ApiError> {
    let token_server = &api.app.token_server;
    let challenge = &form.consent_challenge;

    let redirect_to = if form.decision.as_deref() == Some("allow") {
        let accepted = AcceptConsent {
            granted_scopes: None,
            remember: form.remember.is_some(),
        };
        token_server.consents.accept(challenge, &accepted).await?
    } else {
        token_server
            .consents
            .reject(challenge, &Rejection::default())
            .await?
    };

    Ok(SeeOther::to(redirect_to))
}

/// The beginning of a form that sends the challenge along.
fn form_head(api: &Api, path: &str, name: &str, challenge: &str) -> String {
    let (action, challenge) = (escape(&api.url(path)), escape(challenge));

    format!(
        "<form method=\"post\" action=\"{action}\">\n\
         <input type=\"hidden\" name=\"{name}\" value=\"{challenge}\">\n"
    )
}

fn scope_item(scope: &RequestedScope) -> String {
    let text = scope.descriptions.get("en").unwrap_or(&scope.id);

    format!("<li>{}</li>", escape(text))
}
