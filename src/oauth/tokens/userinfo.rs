//! Who a token's user is (OpenID Connect Core §5.3): an id, how the user logged in, and what the
//! login page says that the token's scopes give out.

use super::bearer::{BearerError, Bearers, PresentedToken};
use crate::oauth::model::Claims;
use crate::oauth::scope;
use crate::store::StoreError;

/// What is told of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserInfo {
    pub sub: String,
    /// How the user was authenticated (RFC 8176).
    pub amr: Vec<String>,
    pub acr: Option<String>,
    pub claims: Claims,
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

        let claims = authentication.claims(&self.base.keyring, &user.user_id);
        let claims = claims.map_err(StoreError::from)?;

        Ok(UserInfo {
            claims: claims.for_scope(&live.token.scope, &self.base.settings.load()),
            sub: user.user_id.to_string(),
            amr: authentication.amr,
            acr: authentication.acr,
        })
    }
}
