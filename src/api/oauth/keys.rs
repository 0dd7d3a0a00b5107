//! The public keys with which tokens are verified.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::api::context::SharedApi;
use crate::api::endpoint::{Endpoint, endpoints};
use crate::api::error::ApiError;
use crate::api::reply::Cacheable;

pub(super) const ENDPOINTS: &[Endpoint] = endpoints! {
    /// Reads the public keys that verify ID tokens and JWT access tokens.
    GET "/oauth/keys" => read_keys;
};

/// A JWK set (RFC 7517 §5).
#[derive(Serialize, ToSchema)]
struct KeySet {
    /// Keys for `ES256` and `RS256`. A key is published a day before it signs, unless
    /// `tokens.signing_key_lead_hours` says otherwise.
    #[schema(value_type = Vec<Object>)]
    keys: Vec<Value>,
}

async fn read_keys(api: SharedApi) -> Result<Cacheable<KeySet>, ApiError> {
    let keys = api.app.token_server.keys.published().await?;

    Ok(Cacheable(KeySet { keys }))
}
