//! Whom an access token speaks for (RFC 6750).

use super::super::error::log_unavailable;
use super::super::{TokenServer, persist};
use crate::ids::{ApplicationId, DeviceId, UserId};
use crate::secret::TokenKind;
use crate::settings::Platform;
use crate::store::StoreError;
use crate::store::rows::{AccessTokenRow, DeviceRow};

/// The bearer of an access token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearer {
    /// The installation the token was issued to.
    pub device_id: DeviceId,
    /// The user, if it is a user's token.
    pub user_id: Option<UserId>,
    /// The scopes, separated by spaces.
    pub scope: String,
}

/// Why a token was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BearerError {
    /// Unknown, expired or revoked, or the installation may not go on. `401`.
    #[error("The access token is unknown, expired or revoked.")]
    InvalidToken,
    /// The database is out of reach, or overloaded. `503`.
    #[error("The server is busy or its database is out of reach; try again shortly.")]
    Unavailable,
}

impl From<StoreError> for BearerError {
    fn from(error: StoreError) -> Self {
        log_unavailable(&error);
        Self::Unavailable
    }
}

/// An access token is 32 bytes in base64url.
const TOKEN_BYTES: usize = 43;

impl TokenServer {
    /// Finds out whom an access token speaks for: one read, so that a token revoked on one node is refused on all.
    pub async fn authenticate_bearer(&self, access_token: &str) -> Result<Bearer, BearerError> {
        if access_token.len() != TOKEN_BYTES {
            return Err(BearerError::InvalidToken);
        }
        let hash = self.0.keyring.token_hash(TokenKind::Access, access_token);
        let (token, device) =
            persist::find_access_token(&self.0.store, hash).await?.ok_or(BearerError::InvalidToken)?;
        if token.expires_at <= self.0.clock.now().as_millis() || !self.may_go_on(&device) {
            return Err(BearerError::InvalidToken);
        }
        bearer(token).ok_or(BearerError::InvalidToken)
    }

    fn may_go_on(&self, device: &DeviceRow) -> bool {
        let application = ApplicationId::new(&device.application_id).ok();
        application.zip(Platform::from_name(&device.platform)).is_some_and(|(application, platform)| {
            self.0.settings.load().enabled_version(&application, platform, &device.application_version).is_some()
        })
    }
}

fn bearer(token: AccessTokenRow) -> Option<Bearer> {
    let device_id = DeviceId::new(&token.client_id).ok()?;
    let user_id = token.user_id.as_deref().map(UserId::new).transpose().ok()?;
    Some(Bearer { device_id, user_id, scope: token.scope })
}
