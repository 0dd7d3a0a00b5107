//! The page where users enter the code that an appliance shows (RFC 8628 §3.3).

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use maud::html;
use utoipa::ToSchema;

use super::redirect::SeeOther;
use crate::api::context::{Api, SharedApi};
use crate::api::endpoint::{Endpoint, endpoints};
use crate::api::error::{ApiError, Fault};
use crate::api::extract::{
    AcceptLanguage, Cookies, Fields, Form, FromFields, FromThisServer, Query, Source, Visitor,
};
use crate::api::openapi::Operation;
use crate::api::pages::{FormTargets, Page, Texts};
use crate::api::reply::Reply;
use crate::oauth::UserCodeRefusal;

pub(super) const ENDPOINTS: &[Endpoint] = endpoints! {
    /// Shows the page where a user enters the code that an appliance shows.
    GET "/oauth/device" => show_user_code_page;

    /// Takes the code that a user entered, and sends the browser on to the login page.
    POST "/oauth/device" => enter_user_code;

    /// Shows that the user can return to the appliance.
    GET "/oauth/device/done" => show_user_code_done;
};

/// The longest code.
const CODE_BYTES_MAX: usize = 64;

/// A code that an appliance shows.
#[derive(ToSchema)]
struct UserCodeForm {
    /// `XXXX-XXXX`, in any case, with or without the hyphen. In the query: filled in, for the user to
    /// send.
    user_code: Option<String>,
}

impl FromFields for UserCodeForm {
    type Schema = Self;

    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            user_code: fields.text("user_code", CODE_BYTES_MAX)?,
        })
    }
}

async fn show_user_code_page(
    api: SharedApi,
    language: AcceptLanguage,
    Query(UserCodeForm { user_code }): Query<UserCodeForm>,
) -> Page {
    let texts = api.pages.texts(None, language.0.as_deref());
    form(&api, texts, user_code.as_deref().unwrap_or_default(), None)
}

/// The browser goes on, or shows the page again.
enum Entered {
    Known(SeeOther),
    Refused(Page),
}

impl Reply for Entered {
    fn into_response(self) -> Result<HttpResponse, ApiError> {
        match self {
            Self::Known(redirect) => redirect.into_response(),
            Self::Refused(page) => page.into_response(),
        }
    }

    fn describe(operation: &mut Operation<'_>) {
        let html = Some("text/html");

        SeeOther::describe(operation);

        operation.other_response(
            StatusCode::BAD_REQUEST,
            "The code is unknown or has expired: the page again.",
            html,
        );

        operation.other_response(
            StatusCode::FORBIDDEN,
            "The code was sent from another site: the page again.",
            html,
        );

        operation.other_response(
            StatusCode::TOO_MANY_REQUESTS,
            "Too many wrong codes were entered: the page again.",
            html,
        );
    }
}

async fn enter_user_code(
    api: SharedApi,
    FromThisServer(is_from_here): FromThisServer,
    visitor: Visitor,
    Form(UserCodeForm { user_code }): Form<UserCodeForm>,
) -> Result<Entered, ApiError> {
    let Visitor {
        language,
        cookies: Cookies(browser),
        source: Source(source),
    } = visitor;
    let texts = api.pages.texts(None, language.0.as_deref());
    let entry = user_code.unwrap_or_default();
    if !is_from_here {
        // Another site would connect its own appliance, past the page that warns (RFC 8628 §5.4).
        let page = form(&api, texts, &entry, Some(&texts.device_check));
        return Ok(Entered::Refused(page.with_status(StatusCode::FORBIDDEN)));
    }

    let entered = api
        .app
        .token_server
        .appliances
        .enter_user_code(&entry, &browser, source)
        .await;

    match entered {
        Ok(redirect) => SeeOther::with_cookie(&api, &language, redirect).map(Entered::Known),
        Err(refusal) => refused(&api, texts, &entry, refusal).map(Entered::Refused),
    }
}

/// The page again, with what is wrong.
fn refused(
    api: &Api,
    texts: &Texts,
    entry: &str,
    refusal: UserCodeRefusal,
) -> Result<Page, ApiError> {
    match refusal {
        UserCodeRefusal::Unknown => {
            let page = form(api, texts, entry, Some(&texts.device_unknown));
            Ok(page.with_status(StatusCode::BAD_REQUEST))
        }
        UserCodeRefusal::TooMany { retry_after } => {
            let seconds = retry_after.as_millis().div_ceil(1000).max(1);
            let page = form(api, texts, entry, Some(&texts.device_too_many));
            Ok(page
                .with_status(StatusCode::TOO_MANY_REQUESTS)
                .retry_after(u64::try_from(seconds).unwrap_or(60)))
        }
        UserCodeRefusal::Unavailable => Err(Fault::Busy.into()),
    }
}

fn form(api: &Api, texts: &Texts, user_code: &str, problem: Option<&str>) -> Page {
    let body = html! {
        p { (texts.device_intro) }
        form method="post" action=(api.url("/oauth/device")) {
            @if let Some(problem) = problem {
                p id="problem" class="error" role="alert" { (problem) }
            }
            label for="user_code" { (texts.device_code) }
            input class="code" type="text" id="user_code" name="user_code" value=(user_code)
                maxlength="20" autocomplete="off" autocapitalize="characters" spellcheck="false"
                required autofocus aria-invalid=[problem.map(|_| "true")]
                aria-describedby=(if problem.is_some() { "problem warning" } else { "warning" });
            p id="warning" class="soft" { (texts.device_warning) }
            div class="buttons" { button class="main" { (texts.r#continue) } }
        }
    };

    let origins = api.app.token_server.pages.origins();
    let targets = FormTargets::LoginPage(origins);
    api.pages.page(texts, &texts.device_title, &body, &targets)
}

/// What the user has decided.
#[derive(ToSchema)]
struct DoneQuery {
    /// `allowed` or `denied`.
    result: Option<String>,
}

impl FromFields for DoneQuery {
    type Schema = Self;

    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            result: fields.text("result", CODE_BYTES_MAX)?,
        })
    }
}

async fn show_user_code_done(
    api: SharedApi,
    language: AcceptLanguage,
    Query(DoneQuery { result }): Query<DoneQuery>,
) -> Page {
    let texts = api.pages.texts(None, language.0.as_deref());
    let (title, text) = match result.as_deref() {
        Some("allowed") => (&texts.connected_title, &texts.connected_text),
        _ => (&texts.not_connected_title, &texts.not_connected_text),
    };

    let body = html! { p { (text) } };
    let targets = FormTargets::LoginPage(Vec::new());
    api.pages.page(texts, title, &body, &targets)
}
