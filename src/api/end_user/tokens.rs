//! The tokens of a user.

use std::convert::Infallible;
use std::str::FromStr;

use serde::Serialize;
use utoipa::ToSchema;

use super::items::{ItemId, Items, split_scopes};
use crate::api::context::SharedApi;
use crate::api::endpoint::{Endpoint, endpoints};
use crate::api::error::ApiError;
use crate::api::extract::{Path, PathParameter, Portal};
use crate::api::reply::NoContent;
use crate::ids::UserId;
use crate::oauth::{PortalToken, PortalTokenType};

pub(super) const ENDPOINTS: &[Endpoint] = endpoints! {
    /// Lists the tokens of a user, at most 1,000.
    ///
    /// A token that has expired is in the list if its client can get another in its place.
    GET "/oauth/api/v1/users/{user_id}/tokens" => list_tokens;

    /// Revokes all tokens of a user, and ends remembered log-ins and log-ins in progress.
    ///
    /// What the user has enrolled on devices stays.
    DELETE "/oauth/api/v1/users/{user_id}/tokens" => remove_tokens;

    /// Revokes a token, and the refresh token that was issued with it.
    ///
    /// The response is the same if the user has no such token.
    DELETE "/oauth/api/v1/users/{user_id}/tokens/{token_id}" => remove_token;
};

/// A token.
#[derive(Serialize, ToSchema)]
struct EndUserToken {
    /// The `token_id` to revoke it with.
    id: String,
    client_name: String,
    /// The device that the token was issued to, if its client is an app.
    #[serde(skip_serializing_if = "Option::is_none")]
    device_name: Option<String>,
    /// When the token was issued, in milliseconds since the epoch.
    created_at: i64,
    scopes: Vec<String>,
    /// The authenticator that its refresh token is bound to: `DEFAULT` (the PIN or none),
    /// `FINGER_PRINT` or `CUSTOM_AUTHENTICATOR`.
    r#type: &'static str,
    /// Whether there is a refresh token with it.
    refresh_token_issued: bool,
    expired: bool,
}

/// The tokens of a user.
#[derive(Serialize, ToSchema)]
struct EndUserTokens {
    tokens: Vec<EndUserToken>,
}

impl From<PortalToken> for EndUserToken {
    fn from(token: PortalToken) -> Self {
        Self {
            id: token.id.to_string(),
            client_name: token.client_name,
            device_name: token.device_name,
            created_at: token.created_at.as_millis(),
            scopes: split_scopes(&token.scope),
            r#type: match token.token_type {
                PortalTokenType::Default => "DEFAULT",
                PortalTokenType::FingerPrint => "FINGER_PRINT",
                PortalTokenType::CustomAuthenticator => "CUSTOM_AUTHENTICATOR",
            },
            refresh_token_issued: token.refresh_token_issued,
            expired: token.expired,
        }
    }
}

struct TokenId(ItemId);

impl FromStr for TokenId {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        text.parse().map(Self)
    }
}

impl PathParameter for TokenId {
    const NAME: &'static str = "token_id";
    const DESCRIPTION: &'static str = "The `id` of the token in the list.";
}

async fn list_tokens(
    api: SharedApi,
    _portal: Portal,
    Path(user): Path<UserId>,
) -> Result<Items<EndUserTokens>, ApiError> {
    let found = api.app.token_server.portals.list_tokens(&user).await?;
    if found.is_empty() {
        return Ok(Items::None("No tokens found"));
    }

    let tokens = found.into_iter().map(EndUserToken::from).collect();
    Ok(Items::Found(EndUserTokens { tokens }))
}

async fn remove_tokens(
    api: SharedApi,
    _portal: Portal,
    Path(user): Path<UserId>,
) -> Result<NoContent, ApiError> {
    api.app.token_server.revocation.revoke_user(&user).await?;

    Ok(NoContent)
}

async fn remove_token(
    api: SharedApi,
    portal: Portal,
    Path(user): Path<UserId>,
    Path(TokenId(id)): Path<TokenId>,
) -> Result<NoContent, ApiError> {
    if let ItemId(Some(id)) = id {
        let token_server = &api.app.token_server;
        token_server
            .portals
            .remove_token(portal.id(), &user, id)
            .await?;
    }

    Ok(NoContent)
}
