//! Who a token's user is (OpenID Connect Core §5.3). The server knows users by their ids, and how
//! they logged in.

use super::bearer::{BearerError, Bearers, PresentedToken};
use crate::oauth::scope;

/// What is told of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserInfo {
    pub sub: String,
    /// How the user was authenticated (RFC 8176).
    pub amr: Vec<String>,
    pub acr: Option<String>,
}

impl Bearers {
    /// The user of an access token of any client, if its scope has `openid`.
    pub async fn user_info(&self, presented: &PresentedToken<'_>) -> Result<UserInfo, BearerError> {
        let live = self.find(presented).await?;

        // A client's own token, whatever its scope: it speaks for no user.
        let Some(user) = live.token.user else {
            return Err(BearerError::InsufficientScope(scope::OPENID));
        };

        if !scope::contains(&live.token.scope, scope::OPENID) {
            return Err(BearerError::InsufficientScope(scope::OPENID));
        }

        let authentication = live.authentication.ok_or(BearerError::InvalidToken)?;

        Ok(UserInfo {
            sub: user.user_id.to_string(),
            amr: authentication.amr,
            acr: authentication.acr,
        })
    }
}
