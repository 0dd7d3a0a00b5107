//! The page where users enter the code that an appliance shows (RFC 8628 §3.3).

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use utoipa::ToSchema;

use super::html::{FormTargets, Page, escape};
use super::redirect::SeeOther;
use crate::api::context::{Api, SharedApi};
use crate::api::endpoint::{Endpoint, endpoints};
use crate::api::error::{ApiError, Fault};
use crate::api::extract::{Cookies, Fields, Form, FromFields, FromThisServer, Query, Source};
use crate::api::openapi::Operation;
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
    Query(UserCodeForm { user_code }): Query<UserCodeForm>,
) -> Page {
    form(&api, user_code.as_deref().unwrap_or_default(), "")
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
    Source(source): Source,
    Cookies(browser): Cookies,
    Form(UserCodeForm { user_code }): Form<UserCodeForm>,
) -> Result<Entered, ApiError> {
    let entry = user_code.unwrap_or_default();
    if !is_from_here {
        // Another site would connect its own appliance, past the page that warns (RFC 8628 §5.4).
        let page = form(&api, &entry, "Check the code, and send it from this page.");
        return Ok(Entered::Refused(Page {
            status: StatusCode::FORBIDDEN,
            ..page
        }));
    }

    let entered = api
        .app
        .token_server
        .appliances
        .enter_user_code(&entry, &browser, source)
        .await;

    match entered {
        Ok(redirect) => SeeOther::with_cookie(&api, redirect).map(Entered::Known),
        Err(refusal) => refused(&api, &entry, &refusal).map(Entered::Refused),
    }
}

/// The page again, with what is wrong.
fn refused(api: &Api, entry: &str, refusal: &UserCodeRefusal) -> Result<Page, ApiError> {
    let page = form(api, entry, &refusal.to_string());

    match refusal {
        UserCodeRefusal::Unknown => Ok(Page {
            status: StatusCode::BAD_REQUEST,
            ..page
        }),
        UserCodeRefusal::TooMany { retry_after } => {
            let seconds = retry_after.as_millis().div_ceil(1000).max(1);
            Ok(Page {
                status: StatusCode::TOO_MANY_REQUESTS,
                retry_after_seconds: Some(u64::try_from(seconds).unwrap_or(60)),
                ..page
            })
        }
        UserCodeRefusal::Unavailable => Err(Fault::Busy.into()),
    }
}

fn form(api: &Api, user_code: &str, problem: &str) -> Page {
    let body = format!(
        "<p role=\"alert\">{problem}</p>\n\
         <p>Enter the code that your device shows. Continue only if the device is in front of you.</p>\n\
         <form method=\"post\" action=\"{action}\">\n\
         <label>Code <input name=\"user_code\" value=\"{user_code}\" maxlength=\"20\" autocomplete=\"off\" \
         autocapitalize=\"characters\" spellcheck=\"false\" required autofocus></label>\n\
         <button>Continue</button>\n</form>",
        problem = escape(problem),
        action = escape(&api.url("/oauth/device")),
        user_code = escape(user_code),
    );

    let origins = api.app.token_server.pages.origins();

    Page::new("Connect a device", body, FormTargets::Only(origins))
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

async fn show_user_code_done(Query(DoneQuery { result }): Query<DoneQuery>) -> Page {
    let (title, text) = match result.as_deref() {
        Some("allowed") => (
            "Done",
            "Return to your device. It continues by itself in a moment. You can close this page.",
        ),
        _ => (
            "Not connected",
            "Your device was not connected. You can close this page.",
        ),
    };

    Page::new(
        title,
        format!("<p>{text}</p>"),
        FormTargets::Only(Vec::new()),
    )
}
