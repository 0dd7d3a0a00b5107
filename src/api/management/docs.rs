//! The API described: as a document and as pages to try it out. Nothing comes from elsewhere.

use actix_web::HttpResponse;
use actix_web::http::header;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::api::openapi;

/// The OpenAPI document.
#[utoipa::path(get, path = "/openapi.json", tag = "Operations", responses((status = 200, content_type = "application/json")))]
pub(crate) async fn openapi() -> HttpResponse {
    HttpResponse::Ok().json(openapi::document())
}

/// Leads to the pages that show the document.
#[utoipa::path(get, path = "/docs", tag = "Operations", responses((status = 303, description = "To the pages")))]
pub(crate) async fn docs() -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, "/docs/"))
        .finish()
}

/// The pages.
pub(crate) fn pages() -> SwaggerUi {
    SwaggerUi::new("/docs/{_:.*}").config(Config::from("/openapi.json").validator_url("none"))
}
