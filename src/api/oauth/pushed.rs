//! Pushed authorization requests (RFC 9126).

use serde::Serialize;
use utoipa::ToSchema;

use crate::api::context::SharedApi;
use crate::api::endpoint::{Endpoint, endpoints};
use crate::api::error::ApiError;
use crate::api::extract::{CredentialsForm, DpopHeader};
use crate::api::reply::Created;
use crate::oauth::AuthorizeRequest;

pub(super) const ENDPOINTS: &[Endpoint] = endpoints! {
    /// Takes an authorization request from the client itself, before the browser comes (RFC 9126).
    POST "/oauth/par" => push_authorization_request,
        400 "A parameter is missing or malformed, or the client may not ask for this.",
        401 "The client is unknown, or its credentials are wrong, expired or used before.";
};

/// A pushed request.
#[derive(Serialize, ToSchema)]
#[schema(as = PushedRequest)]
struct PushedRequestBody {
    /// The value of `request_uri` at the authorization endpoint. It can be used once.
    request_uri: String,
    /// How long it can be used, in seconds.
    expires_in: u64,
}

async fn push_authorization_request(
    api: SharedApi,
    DpopHeader(proof): DpopHeader,
    CredentialsForm { credentials, form }: CredentialsForm<AuthorizeRequest>,
) -> Result<Created<PushedRequestBody>, ApiError> {
    let token_server = &api.app.token_server;
    let pushed = token_server
        .pushed_requests
        .push(&credentials, proof.as_ref(), form)
        .await?;

    Ok(Created(PushedRequestBody {
        request_uri: pushed.request_uri,
        expires_in: pushed.expires_in.as_secs(),
    }))
}
