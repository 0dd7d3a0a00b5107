//! Who a token's user is (OpenID Connect Core §5.3).

use actix_web::HttpResponse;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::error::OAuthBody;
use crate::api::extract::UserInfoToken;

/// What is told of a user.
#[derive(Serialize, ToSchema)]
pub(crate) struct UserInfoAnswer {
    /// The user's id.
    sub: String,
    /// How the user was authenticated (RFC 8176).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    amr: Vec<String>,
    /// How well.
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<String>,
}

/// The user of an access token, `Bearer` or `DPoP`.
#[utoipa::path(
    get,
    path = "/oauth/userinfo",
    tag = "Token server",
    responses((status = 200, body = UserInfoAnswer), (status = "default", body = OAuthBody)),
    security(("openid_token" = [])),
)]
pub(crate) async fn userinfo(user: UserInfoToken) -> HttpResponse {
    answer(user)
}

/// The same.
#[utoipa::path(
    post,
    path = "/oauth/userinfo",
    tag = "Token server",
    responses((status = 200, body = UserInfoAnswer), (status = "default", body = OAuthBody)),
    security(("openid_token" = [])),
)]
pub(crate) async fn post_userinfo(user: UserInfoToken) -> HttpResponse {
    answer(user)
}

fn answer(user: UserInfoToken) -> HttpResponse {
    let user = user.0;
    HttpResponse::Ok().json(UserInfoAnswer {
        sub: user.sub,
        amr: user.amr,
        acr: user.acr,
    })
}
