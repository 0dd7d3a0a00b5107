//! Login and consent pages for trying the server out. They believe whatever the user says, so they
//! exist in development mode only.
//!
//! The forms need no protection against other sites: a challenge cannot be guessed and can be used
//! once.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use maud::{Markup, html};
use utoipa::ToSchema;

use super::redirect::SeeOther;
use crate::api::context::{Api, SharedApi};
use crate::api::endpoint::{Endpoint, endpoints};
use crate::api::error::{ApiError, Fault};
use crate::api::extract::{AcceptLanguage, Extract, Fields, Form, FromFields, Query, Request};
use crate::api::openapi::Operation;
use crate::api::pages::{FormTargets, Page, Texts, fill};
use crate::api::reply::Reply;
use crate::ids::UserId;
use crate::oauth::{
    AcceptConsent, AcceptLogin, LoginRequest, Rejection, RequestedScope, RequestingInstallation,
};

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
    language: AcceptLanguage,
    Query(LoginQuery { login_challenge }): Query<LoginQuery>,
) -> Result<Page, ApiError> {
    let request = api
        .app
        .token_server
        .logins
        .request(&login_challenge)
        .await?;

    Ok(login_page(
        &api,
        &language,
        &login_challenge,
        &request,
        None,
    ))
}

fn login_page(
    api: &Api,
    AcceptLanguage(accept): &AcceptLanguage,
    challenge: &str,
    request: &LoginRequest,
    problem: Option<fn(&Texts) -> &String>,
) -> Page {
    let texts = api
        .pages
        .texts(request.ui_locales.as_deref(), accept.as_deref());
    let problem = problem.map(|problem| problem(texts));

    let body = html! {
        p class="notice" { (texts.not_for_production) }
        p { (fill(&texts.log_in_intro, &[("client", &request.client_name)])) }
        (asking(texts, request.installation.as_ref(), request.user_code.as_deref()))
        form method="post" action=(api.url("/oauth/login")) {
            input type="hidden" name="login_challenge" value=(challenge);
            @if let Some(problem) = problem {
                p id="problem" class="error" role="alert" { (problem) }
            }
            label for="user_id" { (texts.user_id) }
            input type="text" id="user_id" name="user_id" maxlength="255" autocomplete="username"
                value=(request.login_hint.as_deref().unwrap_or_default()) autofocus
                aria-invalid=[problem.map(|_| "true")] aria-describedby=[problem.map(|_| "problem")];
            label class="check" {
                input type="checkbox" name="remember";
                span { (texts.remember_browser) }
            }
            (buttons(&texts.log_in, &texts.cancel))
        }
    };

    api.pages
        .page(texts, &texts.log_in_title, &body, &FormTargets::Any)
}

async fn post_login(
    api: SharedApi,
    _development: Development,
    language: AcceptLanguage,
    Form(form): Form<LoginForm>,
) -> Result<Answered, ApiError> {
    let logins = &api.app.token_server.logins;
    let challenge = &form.login_challenge;

    if form.decision.as_deref() != Some("allow") {
        let redirect_to = logins.reject(challenge, &Rejection::default()).await?;
        return Ok(Answered::Taken(SeeOther::to(redirect_to)));
    }

    let Some(subject) = form.user_id else {
        let request = logins.request(challenge).await?;
        let problem: fn(&Texts) -> &String = |texts| &texts.user_id_missing;
        let page = login_page(&api, &language, challenge, &request, Some(problem));
        return Ok(Answered::Incomplete(
            page.with_status(StatusCode::BAD_REQUEST),
        ));
    };

    let accepted = AcceptLogin {
        remember: form.remember.is_some(),
        ..AcceptLogin::of(subject)
    };
    let redirect_to = logins.accept(None, challenge, &accepted).await?;

    Ok(Answered::Taken(SeeOther::to(redirect_to)))
}

/// The browser goes on, or shows the page again.
enum Answered {
    Taken(SeeOther),
    Incomplete(Page),
}

impl Reply for Answered {
    fn into_response(self) -> Result<HttpResponse, ApiError> {
        match self {
            Self::Taken(redirect) => redirect.into_response(),
            Self::Incomplete(page) => page.into_response(),
        }
    }

    fn describe(operation: &mut Operation<'_>) {
        SeeOther::describe(operation);

        operation.other_response(
            StatusCode::BAD_REQUEST,
            "There is no user id: the page again.",
            Some("text/html"),
        );
    }
}

async fn show_consent_page(
    api: SharedApi,
    _development: Development,
    AcceptLanguage(accept): AcceptLanguage,
    Query(ConsentQuery { consent_challenge }): Query<ConsentQuery>,
) -> Result<Page, ApiError> {
    let token_server = &api.app.token_server;
    let request = token_server.consents.request(&consent_challenge).await?;
    let texts = api
        .pages
        .texts(request.ui_locales.as_deref(), accept.as_deref());

    let body = html! {
        p class="notice" { (texts.not_for_production) }
        (asking(texts, request.installation.as_ref(), request.user_code.as_deref()))
        p { (fill(&texts.consent_intro, &[("client", &request.client_name)])) }
        ul {
            @for scope in &request.scopes { li { (description(scope, texts)) } }
        }
        p class="soft" { (fill(&texts.consent_user, &[("user", &request.subject)])) }
        form method="post" action=(api.url("/oauth/consent")) {
            input type="hidden" name="consent_challenge" value=(consent_challenge);
            label class="check" {
                input type="checkbox" name="remember";
                span { (texts.remember_consent) }
            }
            (buttons(&texts.allow, &texts.deny))
        }
    };

    Ok(api
        .pages
        .page(texts, &texts.consent_title, &body, &FormTargets::Any))
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

/// What the user is about to let in, where that is no browser.
fn asking(
    texts: &Texts,
    installation: Option<&RequestingInstallation>,
    user_code: Option<&str>,
) -> Markup {
    html! {
        @if let Some(RequestingInstallation { application, name, .. }) = installation {
            p class="notice" {
                (fill(&texts.for_installation, &[("application", application), ("name", name)]))
            }
        }
        @if let Some(code) = user_code {
            p class="notice" { (fill(&texts.for_device, &[("code", code)])) }
        }
    }
}

/// Denying is as easy as allowing.
fn buttons(allow: &str, deny: &str) -> Markup {
    html! {
        div class="buttons" {
            button class="main" name="decision" value="allow" { (allow) }
            button name="decision" value="deny" { (deny) }
        }
    }
}

/// What a scope allows: as administrators describe it, or as it is built in.
fn description<'a>(scope: &'a RequestedScope, texts: &'a Texts) -> &'a str {
    let described = scope.descriptions.get(&texts.language);
    let described = described.or_else(|| scope.descriptions.get("en"));
    let described = described.map(String::as_str);

    described
        .or_else(|| texts.scope(&scope.id))
        .unwrap_or(&scope.id)
}
