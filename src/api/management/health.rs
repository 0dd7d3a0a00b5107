//! Is the server alive, can it work, how is it doing.

use actix_web::http::header::ContentType;
use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::Api;

/// What the server needs to work.
#[derive(Serialize, ToSchema)]
pub(crate) struct Readiness {
    /// Whether requests can be sent here.
    ready: bool,
    /// The database answers.
    database: bool,
    /// The server is not about to stop.
    accepting: bool,
}

/// The process answers.
#[utoipa::path(get, path = "/livez", tag = "Operations", responses((status = 200, body = String)))]
pub(crate) async fn livez() -> HttpResponse {
    HttpResponse::Ok()
        .content_type(ContentType::plaintext())
        .body("ok\n")
}

/// The server can work: the database answers and nobody has asked it to stop. Else `503`.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "Operations",
    responses((status = 200, body = Readiness), (status = 503, body = Readiness)),
)]
pub(crate) async fn readyz(api: web::Data<Api>) -> HttpResponse {
    let database = api.app().base.store.ping().await.is_ok();
    let accepting = !api.is_stopping();
    let ready = database && accepting;
    let mut answer = if ready {
        HttpResponse::Ok()
    } else {
        HttpResponse::ServiceUnavailable()
    };
    answer.json(Readiness {
        ready,
        database,
        accepting,
    })
}

/// Prometheus metrics.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "Operations",
    responses((status = 200, body = String, content_type = "text/plain")),
)]
pub(crate) async fn metrics(api: web::Data<Api>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(api.app().base.metrics.render())
}
