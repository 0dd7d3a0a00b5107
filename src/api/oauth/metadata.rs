//! What the token server supports (RFC 8414, OpenID Connect Discovery §4).

use std::convert::Infallible;
use std::str::FromStr;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;

use crate::api::context::SharedApi;
use crate::api::endpoint::{Endpoint, endpoints};
use crate::api::error::{ApiError, Fault};
use crate::api::extract::{Path, PathParameter};
use crate::api::openapi::Operation;
use crate::api::reply::{Reply, public_json};
use crate::oauth::Metadata;

pub(super) const ENDPOINTS: &[Endpoint] = endpoints! {
    /// Reads what the server supports, where OpenID Connect clients look for it.
    GET "/.well-known/openid-configuration" => read_openid_configuration;

    /// Reads what the server supports, where OAuth clients look for it.
    GET "/.well-known/oauth-authorization-server" => read_authorization_server;

    /// Reads what the server supports, where OpenID Connect clients look for it that put the path last.
    ///
    /// The path is that of the issuer, `server.public_url` (RFC 8414 §5).
    GET "/.well-known/openid-configuration/{issuer_path:.+}" => read_openid_configuration_of,
        404 "The issuer has another path.";

    /// Reads what the server supports, where OAuth clients look for it if the issuer has a path.
    ///
    /// The path is that of the issuer, `server.public_url` (RFC 8414 §3.1).
    GET "/.well-known/oauth-authorization-server/{issuer_path:.+}" => read_authorization_server_of,
        404 "The issuer has another path.";
};

/// The path of `server.public_url`, without the slash at its beginning. A proxy that takes it off
/// everything else cannot take it off here.
struct IssuerPath(String);

impl FromStr for IssuerPath {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl PathParameter for IssuerPath {
    const NAME: &'static str = "issuer_path";
    const DESCRIPTION: &'static str = "The path of the issuer, without the slash at its beginning.";
}

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

async fn read_openid_configuration_of(
    api: SharedApi,
    Path(path): Path<IssuerPath>,
) -> Result<Metadata, ApiError> {
    metadata_of(&api, &path)
}

async fn read_authorization_server_of(
    api: SharedApi,
    Path(path): Path<IssuerPath>,
) -> Result<Metadata, ApiError> {
    metadata_of(&api, &path)
}

fn metadata_of(api: &SharedApi, IssuerPath(path): &IssuerPath) -> Result<Metadata, ApiError> {
    let token_server = &api.app.token_server;

    if token_server.issuer.path().strip_prefix('/') == Some(path) {
        Ok(token_server.metadata())
    } else {
        Err(Fault::NotFound.into())
    }
}
