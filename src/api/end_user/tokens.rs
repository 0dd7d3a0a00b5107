//! A user's tokens.

use std::convert::Infallible;
use std::str::FromStr;

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::{ItemId, NothingFound, failed, nothing_found, scopes};
use crate::api::Api;
use crate::api::error::{ApiError, OAuthBody};
use crate::api::extract::{By, InPath, PathParameter, Portal};
use crate::ids::UserId;
use crate::oauth::{PortalToken, PortalTokenType};

/// A token.
#[derive(Serialize, ToSchema)]
pub(crate) struct EndUserToken {
    /// What it is removed by.
    id: String,
    client_name: String,
    /// Of an app's token.
    #[serde(skip_serializing_if = "Option::is_none")]
    device_name: Option<String>,
    /// Milliseconds since the epoch.
    created_at: i64,
    scopes: Vec<String>,
    /// `DEFAULT`, `FINGER_PRINT`, `CUSTOM_AUTHENTICATOR`.
    r#type: &'static str,
    refresh_token_issued: bool,
    expired: bool,
}

/// Tokens.
#[derive(Serialize, ToSchema)]
pub(crate) struct EndUserTokens {
    tokens: Vec<EndUserToken>,
}

impl From<PortalToken> for EndUserToken {
    fn from(token: PortalToken) -> Self {
        Self {
            id: token.id.to_string(),
            client_name: token.client_name,
            device_name: token.device_name,
            created_at: token.created_at.as_millis(),
            scopes: scopes(&token.scope),
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

pub(crate) struct TokenId(ItemId);

impl FromStr for TokenId {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        text.parse().map(Self)
    }
}

impl PathParameter for TokenId {
    const NAME: &'static str = "token_id";
}

/// The user's tokens, at most 1,000. Those that have expired are among them if the client can get
/// others in their place.
#[utoipa::path(
    get,
    path = "/oauth/api/v1/users/{user_id}/tokens",
    tag = "Portals",
    params(("user_id" = String, Path)),
    responses(
        (status = 200, body = EndUserTokens),
        (status = 404, description = "There are none", body = NothingFound),
        (status = "default", body = OAuthBody),
    ),
    security(("basic" = [])),
)]
pub(crate) async fn tokens(
    api: web::Data<Api>,
    By(_portal, user): By<Portal, InPath<UserId>>,
) -> Result<HttpResponse, ApiError> {
    let tokens = api
        .app()
        .token_server
        .portals
        .list_tokens(&user.0)
        .await
        .map_err(failed)?;
    if tokens.is_empty() {
        return Ok(nothing_found("No tokens found"));
    }
    Ok(HttpResponse::Ok().json(EndUserTokens {
        tokens: tokens.into_iter().map(EndUserToken::from).collect(),
    }))
}

/// Removes a token, and with it the refresh token beside it. The answer does not tell whether the
/// user had it.
#[utoipa::path(
    delete,
    path = "/oauth/api/v1/users/{user_id}/tokens/{token_id}",
    tag = "Portals",
    params(("user_id" = String, Path), ("token_id" = String, Path)),
    responses((status = 204), (status = "default", body = OAuthBody)),
    security(("basic" = [])),
)]
pub(crate) async fn remove_token(
    api: web::Data<Api>,
    By(portal, (user, id)): By<Portal, (InPath<UserId>, InPath<TokenId>)>,
) -> Result<HttpResponse, ApiError> {
    if let TokenId(ItemId(Some(id))) = id.0 {
        api.app()
            .token_server
            .portals
            .remove_token(portal.id(), &user.0, id)
            .await
            .map_err(failed)?;
    }
    Ok(HttpResponse::NoContent().finish())
}

/// Removes all tokens of the user, remembered logins and logins under way. What is enrolled on
/// devices stays.
#[utoipa::path(
    delete,
    path = "/oauth/api/v1/users/{user_id}/tokens",
    tag = "Portals",
    params(("user_id" = String, Path)),
    responses((status = 204), (status = "default", body = OAuthBody)),
    security(("basic" = [])),
)]
pub(crate) async fn remove_tokens(
    api: web::Data<Api>,
    By(_portal, user): By<Portal, InPath<UserId>>,
) -> Result<HttpResponse, ApiError> {
    api.app()
        .token_server
        .revocation
        .revoke_user(&user.0)
        .await
        .map_err(failed)?;
    Ok(HttpResponse::NoContent().finish())
}
