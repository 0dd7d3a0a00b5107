//! Ending everything that was issued to a client or for a resource server.

use std::str::FromStr;

use actix_web::{HttpResponse, web};

use crate::api::Api;
use crate::api::error::{ApiError, ProblemDocument};
use crate::api::extract::{Administrator, By, InPath, PathParameter};
use crate::ids::{ClientId, InvalidId};

/// A resource server's id, of the same form as a client's.
pub(crate) struct ResourceServerId(ClientId);

impl FromStr for ResourceServerId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        text.parse().map(Self)
    }
}

impl PathParameter for ResourceServerId {
    const NAME: &'static str = "resource_server_id";
}

/// Ends every token that was issued to a web client, to all installations of an application, or to
/// one installation.
#[utoipa::path(
    post,
    path = "/api/v1/clients/{client_id}/revoke-tokens",
    tag = "Administration",
    params(("client_id" = String, Path, description = "Of a web client, an application or an installation")),
    responses((status = 204), (status = 404, body = ProblemDocument), (status = "default", body = ProblemDocument)),
    security(("basic" = [])),
)]
pub(crate) async fn revoke_client_tokens(
    api: web::Data<Api>,
    By(_administrator, client): By<Administrator, InPath<ClientId>>,
) -> Result<HttpResponse, ApiError> {
    api.app()
        .token_server
        .revocation
        .revoke_client(client.0.as_str())
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Ends every token that was issued for a resource server.
#[utoipa::path(
    post,
    path = "/api/v1/resource-servers/{resource_server_id}/revoke-tokens",
    tag = "Administration",
    params(("resource_server_id" = String, Path)),
    responses((status = 204), (status = 404, body = ProblemDocument), (status = "default", body = ProblemDocument)),
    security(("basic" = [])),
)]
pub(crate) async fn revoke_resource_server_tokens(
    api: web::Data<Api>,
    By(_administrator, server): By<Administrator, InPath<ResourceServerId>>,
) -> Result<HttpResponse, ApiError> {
    api.app()
        .token_server
        .revocation
        .revoke_resource_server(server.0.0.as_str())
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
