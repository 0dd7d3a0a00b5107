//! What the token server supports (RFC 8414, OpenID Connect Discovery §4).

use actix_web::HttpResponse;
use actix_web::http::StatusCode;

use crate::api::context::SharedApi;
use crate::api::endpoint::{Endpoint, endpoints};
use crate::api::error::ApiError;
use crate::api::openapi::Operation;
use crate::api::reply::{Reply, public_json};
use crate::oauth::Metadata;

pub(super) const ENDPOINTS: &[Endpoint] = endpoints! {
    /// Reads what the server supports, where OpenID Connect clients look for it.
    GET "/.well-known/openid-configuration" => read_openid_configuration;

    /// Reads what the server supports, where OAuth clients look for it.
    GET "/.well-known/oauth-authorization-server" => read_authorization_server;
};

impl Reply for Metadata {
    fn into_response(self) -> Result<HttpResponse, ApiError> {
        Ok(public_json(self))
    }

    fn describe(operation: &mut Operation<'_>) {
        operation.other_response(
            StatusCode::OK,
            "The metadata of RFC 8414 §2 and OpenID Connect Discovery §3.",
            Some("application/json"),
        );
    }
}

async fn read_openid_configuration(api: SharedApi) -> Metadata {
    api.app.token_server.metadata()
}

async fn read_authorization_server(api: SharedApi) -> Metadata {
    api.app.token_server.metadata()
}
