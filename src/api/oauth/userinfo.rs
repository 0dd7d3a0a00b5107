//! The userinfo endpoint (OpenID Connect Core §5.3).

use serde::Serialize;
use utoipa::ToSchema;

use crate::api::endpoint::{Endpoint, endpoints};
use crate::api::extract::{Json, OpenIdToken};
use crate::oauth::{Claims, UserInfo};

pub(super) const ENDPOINTS: &[Endpoint] = endpoints! {
    /// Tells who the user of an access token is.
    GET "/oauth/userinfo" => userinfo;

    /// Tells who the user of an access token is: the same as with GET.
    POST "/oauth/userinfo" => post_userinfo;
};

/// A user.
#[derive(Serialize, ToSchema)]
#[schema(as = UserInfo)]
struct UserInfoBody {
    /// The id of the user.
    sub: String,
    /// How the user was authenticated (RFC 8176).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    amr: Vec<String>,
    /// The authentication context class.
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<String>,
    /// What the scopes of the token give out (OpenID Connect Core §5.4).
    #[serde(flatten)]
    #[schema(value_type = Object)]
    claims: Claims,
}

impl From<UserInfo> for UserInfoBody {
    fn from(user: UserInfo) -> Self {
        Self {
            sub: user.sub,
            amr: user.amr,
            acr: user.acr,
            claims: user.claims,
        }
    }
}

async fn userinfo(OpenIdToken(user): OpenIdToken) -> Json<UserInfoBody> {
    Json(user.into())
}

async fn post_userinfo(OpenIdToken(user): OpenIdToken) -> Json<UserInfoBody> {
    Json(user.into())
}
