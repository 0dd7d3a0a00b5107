//! The API described: as an OpenAPI document, and as a page that shows it. Browsers fetch nothing
//! from elsewhere.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, Resource, guard, web};

use crate::api::openapi;

/// What the page may load: its own script, its own style sheet and the document.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
                              connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The OpenAPI document.
#[utoipa::path(get, path = "/openapi.json", tag = "Operations", responses((status = 200, content_type = "application/json")))]
pub(crate) async fn openapi() -> HttpResponse {
    HttpResponse::Ok().json(openapi::document())
}

/// Leads to the page that shows the document.
#[utoipa::path(get, path = "/docs", tag = "Operations", responses((status = 303, description = "To the page")))]
pub(crate) async fn docs() -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, "/docs/"))
        .finish()
}

/// The page and its parts.
pub(crate) fn pages() -> Resource {
    web::resource("/docs/{part:.*}")
        .guard(guard::Get())
        .to(part)
}

async fn part(request: HttpRequest) -> HttpResponse {
    let (content_type, text) = match request.match_info().query("part") {
        "" | "index.html" => ("text/html; charset=utf-8", include_str!("docs/index.html")),
        "docs.css" => ("text/css; charset=utf-8", include_str!("docs/docs.css")),
        "docs.js" => (
            "text/javascript; charset=utf-8",
            include_str!("docs/docs.js"),
        ),
        _ => return HttpResponse::NotFound().finish(),
    };

    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, content_type))
        .insert_header((header::CONTENT_SECURITY_POLICY, CONTENT_POLICY))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(text)
}
