//! Logging out (OpenID Connect RP-Initiated Logout).

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use maud::html;
use utoipa::ToSchema;

use super::redirect::SeeOther;
use crate::api::context::{Api, SharedApi};
use crate::api::endpoint::{Endpoint, endpoints};
use crate::api::error::{ApiError, Fault};
use crate::api::extract::{
    AcceptLanguage, Cookies, Fields, Form, FromFields, FromThisServer, Query, set_cookie,
};
use crate::api::openapi::Operation;
use crate::api::pages::{FormTargets, Page, Texts};
use crate::api::reply::Reply;
use crate::oauth::{Browser, BrowserCookie, Logout, LogoutRequest};

pub(super) const ENDPOINTS: &[Endpoint] = endpoints! {
    /// Logs the user out: the browser forgets the log-in that it remembers.
    ///
    /// Without an `id_token_hint` of that user, a page asks first.
    GET "/oauth/logout" => log_out,
        400 "The client is unknown, or the `post_logout_redirect_uri` is not one of the client's.";

    /// Logs the user out, with the parameters in a form.
    POST "/oauth/logout" => post_log_out,
        400 "The client is unknown, or the `post_logout_redirect_uri` is not one of the client's.";
};

/// The longest parameter.
const TEXT_BYTES_MAX: usize = 16_384;

/// Who logs out, and where the user goes afterwards.
#[derive(ToSchema)]
struct LogoutForm {
    /// An ID token of the user, expired or not.
    id_token_hint: Option<String>,
    /// The id of the client. It must be that of the hint.
    client_id: Option<String>,
    /// One of the client's `post_logout_redirect_uris`.
    post_logout_redirect_uri: Option<String>,
    /// A value that the client gets back.
    state: Option<String>,
    /// The languages that the user prefers, separated by spaces.
    ui_locales: Option<String>,
    /// `yes`: the user has been asked, on this server's page.
    confirmed: Option<String>,
}

impl FromFields for LogoutForm {
    type Schema = Self;

    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        let mut text = |name| fields.text(name, TEXT_BYTES_MAX);

        Ok(Self {
            id_token_hint: text("id_token_hint")?,
            client_id: text("client_id")?,
            post_logout_redirect_uri: text("post_logout_redirect_uri")?,
            state: text("state")?,
            ui_locales: text("ui_locales")?,
            confirmed: text("confirmed")?,
        })
    }
}

/// The browser goes on, or shows a page.
enum Answer {
    Redirect(SeeOther),
    /// With the cookie that the browser gets.
    Page(Page, Option<HeaderValue>),
}

impl Reply for Answer {
    fn into_response(self) -> Result<HttpResponse, ApiError> {
        match self {
            Self::Redirect(redirect) => redirect.into_response(),
            Self::Page(page, cookie) => {
                let mut response = page.response();
                if let Some(cookie) = cookie {
                    response.headers_mut().insert(header::SET_COOKIE, cookie);
                }
                Ok(response)
            }
        }
    }

    fn describe(operation: &mut Operation<'_>) {
        operation.other_response(
            StatusCode::OK,
            "A page that asks, or that says that the user is logged out.",
            Some("text/html"),
        );
        operation.other_response(
            StatusCode::SEE_OTHER,
            "`Location` is the `post_logout_redirect_uri`.",
            None,
        );
    }
}

async fn log_out(
    api: SharedApi,
    language: AcceptLanguage,
    Cookies(browser): Cookies,
    Query(form): Query<LogoutForm>,
) -> Result<Answer, ApiError> {
    // A link proves nothing: anybody can have put it anywhere.
    answer(&api, &language, &browser, form, false).await
}

async fn post_log_out(
    api: SharedApi,
    FromThisServer(is_from_here): FromThisServer,
    language: AcceptLanguage,
    Cookies(browser): Cookies,
    Form(form): Form<LogoutForm>,
) -> Result<Answer, ApiError> {
    if is_from_here {
        return answer(&api, &language, &browser, form, true).await;
    }

    // A browser sends its cookies along with what another site links to, and not with what that site
    // posts (`SameSite=Lax`).
    let again = format!("{}?{}", api.url("/oauth/logout"), form.query());
    Ok(Answer::Redirect(SeeOther::to(again)))
}

impl LogoutForm {
    /// As a query string, without what only this server's page may say.
    fn query(&self) -> String {
        let fields = [
            ("id_token_hint", &self.id_token_hint),
            ("client_id", &self.client_id),
            ("post_logout_redirect_uri", &self.post_logout_redirect_uri),
            ("state", &self.state),
            ("ui_locales", &self.ui_locales),
        ];
        let given = fields
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_ref()?)));

        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(given)
            .finish()
    }
}

async fn answer(
    api: &Api,
    language: &AcceptLanguage,
    browser: &Browser,
    form: LogoutForm,
    is_from_here: bool,
) -> Result<Answer, ApiError> {
    let texts = api
        .pages
        .texts(form.ui_locales.as_deref(), language.0.as_deref());

    let request = LogoutRequest {
        id_token_hint: form.id_token_hint,
        client_id: form.client_id,
        post_logout_redirect_uri: form.post_logout_redirect_uri,
        state: form.state,
        is_confirmed: is_from_here && form.confirmed.as_deref() == Some("yes"),
    };

    let logouts = &api.app.token_server.logouts;
    match logouts.log_out(&request, browser).await? {
        Logout::Ask => Ok(Answer::Page(ask(api, texts, &request), None)),
        Logout::Return(redirect) => {
            SeeOther::with_cookie(api, language, redirect).map(Answer::Redirect)
        }
        Logout::Done(cookie) => {
            let body = html! { p { (texts.logged_out_text) } };
            let targets = FormTargets::LoginPage(Vec::new());
            let page = api
                .pages
                .page(texts, &texts.logged_out_title, &body, &targets);
            Ok(Answer::Page(page, Some(cookie_header(api, &cookie)?)))
        }
    }
}

fn cookie_header(api: &Api, cookie: &BrowserCookie) -> Result<HeaderValue, ApiError> {
    let secure = api.app.token_server.issuer.has_secure_cookies();
    set_cookie(cookie, secure).map_err(|_| Fault::Internal.into())
}

fn ask(api: &Api, texts: &Texts, request: &LogoutRequest) -> Page {
    let fields = [
        ("id_token_hint", &request.id_token_hint),
        ("client_id", &request.client_id),
        (
            "post_logout_redirect_uri",
            &request.post_logout_redirect_uri,
        ),
        ("state", &request.state),
    ];

    let body = html! {
        p { (texts.log_out_intro) }
        form method="post" action=(api.url("/oauth/logout")) {
            @for (name, value) in fields {
                @if let Some(value) = value {
                    input type="hidden" name=(name) value=(value);
                }
            }
            div class="buttons" {
                button class="main" name="confirmed" value="yes" { (texts.log_out) }
            }
        }
    };

    api.pages
        .page(texts, &texts.log_out_title, &body, &FormTargets::Any)
}
