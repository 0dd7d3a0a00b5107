//! What the server can do (RFC 8414, OpenID Connect Discovery §4).

use actix_web::{HttpResponse, web};

use crate::api::Api;

/// The server's metadata, where OpenID Connect looks for it.
#[utoipa::path(
    get,
    path = "/.well-known/openid-configuration",
    tag = "Token server",
    responses((status = 200, body = Object, description = "OpenID Connect Discovery §3")),
)]
pub(crate) async fn openid_configuration(api: web::Data<Api>) -> HttpResponse {
    answer(&api)
}

/// The server's metadata, where OAuth looks for it: the same.
#[utoipa::path(
    get,
    path = "/.well-known/oauth-authorization-server",
    tag = "Token server",
    responses((status = 200, body = Object, description = "RFC 8414 §2")),
)]
pub(crate) async fn authorization_server(api: web::Data<Api>) -> HttpResponse {
    answer(&api)
}

fn answer(api: &Api) -> HttpResponse {
    HttpResponse::Ok().json(api.app().token_server.metadata())
}
