//! The public keys of the server's tokens.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::api::Api;
use crate::api::error::{ApiError, OAuthBody};

/// A JWK set (RFC 7517 §5).
#[derive(Serialize, ToSchema)]
pub(crate) struct KeysAnswer {
    /// `ES256`, and `RS256` where a client or resource server asks for it; the next one some
    /// minutes before it signs.
    #[schema(value_type = Vec<Object>)]
    keys: Vec<Value>,
}

/// What ID tokens, and access tokens that are JWTs, are verified with.
#[utoipa::path(
    get,
    path = "/oauth/keys",
    tag = "Token server",
    responses((status = 200, body = KeysAnswer), (status = "default", body = OAuthBody)),
)]
pub(crate) async fn keys(api: web::Data<Api>) -> Result<HttpResponse, ApiError> {
    let keys = api.app().token_server.keys.published().await?;
    Ok(HttpResponse::Ok().json(KeysAnswer { keys }))
}
