//! Revoking all tokens of a client or of a resource server.

use std::str::FromStr;

use crate::api::context::SharedApi;
use crate::api::endpoint::{Endpoint, endpoints};
use crate::api::error::ApiError;
use crate::api::extract::{Administrator, Path, PathParameter};
use crate::api::reply::NoContent;
use crate::ids::{ClientId, InvalidId};

pub(super) const ENDPOINTS: &[Endpoint] = endpoints! {
    /// Revokes all tokens of a web client, of an application on all devices, or of one device.
    POST "/api/v1/clients/{client_id}/revoke-tokens" => revoke_client_tokens,
        404 "There is no such client.";

    /// Revokes all tokens that were issued for a resource server.
    POST "/api/v1/resource-servers/{resource_server_id}/revoke-tokens"
        => revoke_resource_server_tokens,
        404 "There is no such resource server.";
};

/// The id of a resource server, which has the same form as a client's.
struct ResourceServerId(ClientId);

impl FromStr for ResourceServerId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        text.parse().map(Self)
    }
}

impl PathParameter for ResourceServerId {
    const NAME: &'static str = "resource_server_id";
    const DESCRIPTION: &'static str = "The id of a resource server in the settings.";
}

async fn revoke_client_tokens(
    api: SharedApi,
    _administrator: Administrator,
    Path(client): Path<ClientId>,
) -> Result<NoContent, ApiError> {
    let token_server = &api.app.token_server;
    token_server
        .revocation
        .revoke_client(client.as_str())
        .await?;

    Ok(NoContent)
}

async fn revoke_resource_server_tokens(
    api: SharedApi,
    _administrator: Administrator,
    Path(ResourceServerId(server)): Path<ResourceServerId>,
) -> Result<NoContent, ApiError> {
    let token_server = &api.app.token_server;
    token_server
        .revocation
        .revoke_resource_server(server.as_str())
        .await?;

    Ok(NoContent)
}
