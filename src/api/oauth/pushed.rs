//! Pushed authorization requests (RFC 9126).

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::authorize::AuthorizeForm;
use crate::api::Api;
use crate::api::error::{ApiError, OAuthBody};
use crate::api::extract::{DpopHeader, PresentedForm};
use crate::oauth::AuthorizeRequest;

/// What was pushed was taken.
#[derive(Serialize, ToSchema)]
pub(crate) struct PushedAnswer {
    /// Good once.
    request_uri: String,
    /// Seconds.
    expires_in: u64,
}

/// Takes an authorization request from the client itself, which authenticates as at the token
/// endpoint.
#[utoipa::path(
    post,
    path = "/oauth/par",
    tag = "Token server",
    request_body(content = AuthorizeForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 201, body = PushedAnswer), (status = "default", body = OAuthBody)),
)]
pub(crate) async fn push_authorization_request(
    api: web::Data<Api>,
    proof: DpopHeader,
    request: PresentedForm<AuthorizeRequest>,
) -> Result<HttpResponse, ApiError> {
    let PresentedForm { credentials, form } = request;
    let pushed = api
        .app()
        .token_server
        .pushed_requests
        .push(&credentials, proof.0.as_ref(), form)
        .await?;
    let answer = PushedAnswer {
        request_uri: pushed.request_uri,
        expires_in: pushed.expires_in.as_secs(),
    };
    Ok(HttpResponse::Created().json(answer))
}
