//! Where users bring the code that a device shows them (RFC 8628 §3.3).

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, web};
use utoipa::ToSchema;

use super::super::redirect::redirect;
use super::html::{FormsLead, escape, page};
use crate::api::Api;
use crate::api::error::{ApiError, Area, Fault, OAuthBody};
use crate::api::extract::{Cookies, Fields, Form, FromFields, Query};
use crate::oauth::UserCodeRefusal;

/// The longest code that is looked at, in bytes.
const CODE_BYTES_MAX: usize = 64;

/// What the user types.
#[derive(ToSchema)]
pub(crate) struct UserCodeForm {
    /// `XXXX-XXXX`; case and dash do not matter.
    user_code: Option<String>,
}

impl FromFields for UserCodeForm {
    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            user_code: fields.text("user_code", CODE_BYTES_MAX)?,
        })
    }
}

/// A form for the code that a device shows.
#[utoipa::path(
    get,
    path = "/oauth/device",
    tag = "Token server",
    params(("user_code" = Option<String>, Query, description = "Filled in; the user still has to send it")),
    responses((status = 200, description = "A page", content_type = "text/html"), (status = "default", body = OAuthBody)),
)]
pub(crate) async fn device_page(api: web::Data<Api>, query: Query<UserCodeForm>) -> HttpResponse {
    form(
        &api,
        StatusCode::OK,
        query.0.user_code.as_deref().unwrap_or_default(),
        "",
    )
}

/// Takes the code and sends the user on to the login page.
#[utoipa::path(
    post,
    path = "/oauth/device",
    tag = "Token server",
    request_body(content = UserCodeForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 303, description = "Where to go on"),
        (status = 400, description = "The page again", content_type = "text/html"),
        (status = 429, description = "The page again", content_type = "text/html"),
        (status = "default", body = OAuthBody),
    ),
)]
pub(crate) async fn enter_user_code(
    api: web::Data<Api>,
    browser: Cookies,
    entered: Form<UserCodeForm>,
) -> Result<HttpResponse, ApiError> {
    let entry = entered.0.user_code.unwrap_or_default();
    let refusal = match api
        .app()
        .token_server
        .appliances
        .enter_user_code(&entry, &browser.0)
        .await
    {
        Ok(to) => return redirect(&api, &to),
        Err(refusal) => refusal,
    };
    match refusal {
        UserCodeRefusal::Unknown => Ok(form(
            &api,
            StatusCode::BAD_REQUEST,
            &entry,
            &refusal.to_string(),
        )),
        UserCodeRefusal::TooMany { retry_after } => {
            let mut answer = form(
                &api,
                StatusCode::TOO_MANY_REQUESTS,
                &entry,
                &refusal.to_string(),
            );
            let seconds = retry_after.as_millis().div_ceil(1000).max(1);
            answer.headers_mut().insert(
                header::RETRY_AFTER,
                header::HeaderValue::from(u64::try_from(seconds).unwrap_or(60)),
            );
            Ok(answer)
        }
        UserCodeRefusal::Unavailable => Err(ApiError::from_fault(&Fault::Busy, Area::OAuth)),
    }
}

fn form(api: &Api, status: StatusCode, user_code: &str, problem: &str) -> HttpResponse {
    let body = format!(
        "<p role=\"alert\">{problem}</p>\n\
         <p>Enter the code that your device shows. Go on only if you have that device before you.</p>\n\
         <form method=\"post\" action=\"{action}\">\n\
         <label>Code <input name=\"user_code\" value=\"{user_code}\" maxlength=\"20\" autocomplete=\"off\" \
         autocapitalize=\"characters\" spellcheck=\"false\" required autofocus></label>\n\
         <button>Continue</button>\n</form>",
        problem = escape(problem),
        action = escape(&api.link("/oauth/device")),
        user_code = escape(user_code),
    );
    page(
        status,
        "Connect a device",
        &body,
        &FormsLead::To(&api.app().token_server.pages.origins()),
    )
}

/// What the user has decided.
pub(crate) struct Decided {
    allowed: bool,
}

impl FromFields for Decided {
    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            allowed: fields.text("result", CODE_BYTES_MAX)?.as_deref() == Some("allowed"),
        })
    }
}

/// Says that there is nothing more to do here.
#[utoipa::path(
    get,
    path = "/oauth/device/done",
    tag = "Token server",
    params(("result" = Option<String>, Query, description = "`allowed`, `denied`")),
    responses((status = 200, description = "A page", content_type = "text/html"), (status = "default", body = OAuthBody)),
)]
pub(crate) async fn device_done(query: Query<Decided>) -> HttpResponse {
    let (title, text) = match query.0.allowed {
        true => (
            "Done",
            "Return to your device: it goes on by itself in a moment. You can close this page.",
        ),
        false => (
            "Not connected",
            "Your device was not connected. You can close this page.",
        ),
    };
    page(
        StatusCode::OK,
        title,
        &format!("<p>{text}</p>"),
        &FormsLead::To(&[]),
    )
}
