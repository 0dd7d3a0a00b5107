//! What a browser shows instead of a problem in JSON: what happened and what to do, in the user's
//! language, and for support what a program would have been told.

use actix_web::HttpRequest;
use actix_web::http::{StatusCode, header};
use maud::html;

use super::{FormTargets, Page, Pages, Texts};

/// What users open, and what their browsers send.
const FOR_BROWSERS: [&str; 7] = [
    "/oauth/authorize",
    "/oauth/authorize/resume",
    "/oauth/login",
    "/oauth/consent",
    "/oauth/device",
    "/oauth/device/done",
    "/oauth/logout",
];

/// Whether a request of this route comes from a browser that shows a page: one that asks for HTML.
pub(in crate::api) fn is_shown(request: &HttpRequest, pattern: &str) -> bool {
    let accepts = request.headers().get(header::ACCEPT);
    let wants_html = accepts
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));

    wants_html && FOR_BROWSERS.contains(&pattern)
}

/// The page for an error with this status, code and description.
pub(in crate::api) fn page(
    pages: &Pages,
    texts: &Texts,
    status: StatusCode,
    code: &str,
    description: &str,
    request_id: &str,
) -> Page {
    let text = match (status, code) {
        (_, "other_browser") => &texts.error_other_browser,
        (_, "user_disabled") => &texts.error_user,
        (StatusCode::NOT_FOUND | StatusCode::CONFLICT, _) => &texts.error_expired,
        (StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS, _) => &texts.error_busy,
        _ if status.is_server_error() => &texts.error_server,
        _ => &texts.error_request,
    };

    let body = html! {
        p role="alert" { (text) }
        details {
            summary { (texts.error_details) }
            p { code { (code) } ": " (description) }
            p { code { (request_id) } }
        }
    };

    let targets = FormTargets::LoginPage(Vec::new());
    pages
        .page(texts, &texts.error_title, &body, &targets)
        .with_status(status)
}
