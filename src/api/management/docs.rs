//! The OpenAPI document, and a page that shows it. The page loads nothing from other servers.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, Resource, guard, web};
use utoipa::openapi::OpenApi;

use crate::api::endpoint::{Endpoint, endpoints};
use crate::api::error::{ApiError, Fault};
use crate::api::extract::{Extract, Request};
use crate::api::openapi::Operation;
use crate::api::reply::Reply;

pub(super) const ENDPOINTS: &[Endpoint] = endpoints! {
    /// Reads this document, in OpenAPI 3.1.
    GET "/openapi.json" => read_document;

    /// Redirects to the page that shows this document.
    GET "/docs" => redirect_to_page;
};

/// What the page may load: its own script, its own style sheet and the document.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
                              connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The OpenAPI document, which the router makes from all endpoints and leaves as app data.
struct Document(web::Data<OpenApi>);

impl Extract for Document {
    async fn extract(request: &mut Request<'_>) -> Result<Self, ApiError> {
        let document = request.head.app_data().cloned();

        Ok(Self(document.ok_or(Fault::Internal)?))
    }

    fn describe(_: &mut Operation<'_>) {}
}

impl Reply for Document {
    fn into_response(self) -> Result<HttpResponse, ApiError> {
        Ok(HttpResponse::Ok().json(self.0))
    }

    fn describe(operation: &mut Operation<'_>) {
        operation.other_response(StatusCode::OK, "The document.", Some("application/json"));
    }
}

/// A redirect to the page.
struct ToPage;

impl Reply for ToPage {
    fn into_response(self) -> Result<HttpResponse, ApiError> {
        Ok(HttpResponse::SeeOther()
            .insert_header((header::LOCATION, "/docs/"))
            .finish())
    }

    fn describe(operation: &mut Operation<'_>) {
        operation.other_response(StatusCode::SEE_OTHER, "`Location` is the page.", None);
    }
}

async fn read_document(document: Document) -> Document {
    document
}

async fn redirect_to_page() -> ToPage {
    ToPage
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
