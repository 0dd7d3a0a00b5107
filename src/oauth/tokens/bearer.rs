//! Whom an access token speaks for (RFC 6750).

use super::super::TokenServer;
use super::super::error::log_unavailable;
use super::text;
use crate::ids::{ApplicationId, DeviceId, UserId};
use crate::secret::constant_time_eq;
use crate::settings::Platform;
use crate::store::StoreError;
use crate::store::rows::LiveAccessToken;

/// The bearer of an access token of an installation.
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

impl TokenServer {
    /// Finds out which installation an access token speaks for: one read, so that a token revoked on one node is refused on
    /// all. Tokens of web clients, and those for a resource server, are not for this server.
    pub async fn authenticate_bearer(&self, access_token: &str) -> Result<Bearer, BearerError> {
        let live = self.live_access_token(access_token).await?.ok_or(BearerError::InvalidToken)?;
        if live.token.resource_server.is_some() {
            return Err(BearerError::InvalidToken);
        }
        bearer(live).ok_or(BearerError::InvalidToken)
    }

    /// The token of this text, if it is alive: neither expired nor revoked, alone or with what it rests on, and its
    /// installation may go on.
    pub(in crate::oauth) async fn live_access_token(&self, text: &str) -> Result<Option<LiveAccessToken>, StoreError> {
        let Some(id) = text::access_token_id(text) else { return Ok(None) };
        let Some(live) = self.0.access_tokens.find(id.to_vec()).await? else { return Ok(None) };
        let presented = text::access_token_hash(&self.0.keyring, text);
        let same = live.token.token_hash.as_deref().is_some_and(|hash| constant_time_eq(hash, &presented));
        let alive = self.0.clock.now().as_millis() < live.token.expires_at && self.may_go_on(&live);
        Ok((same && alive).then_some(live))
    }

    fn may_go_on(&self, live: &LiveAccessToken) -> bool {
        let Some(application) = &live.token.application_id else { return true };
        let Some((version, platform)) = &live.installation else { return false };
        let application = ApplicationId::new(application).ok();
        application.zip(Platform::from_name(platform)).is_some_and(|(application, platform)| {
            self.0.settings.load().enabled_version(&application, platform, version).is_some()
        })
    }
}

fn bearer(live: LiveAccessToken) -> Option<Bearer> {
    live.token.application_id?;
    let device_id = DeviceId::new(&live.token.client_id).ok()?;
    let user_id = live.token.user_id.as_deref().map(UserId::new).transpose().ok()?;
    Some(Bearer { device_id, user_id, scope: live.token.scope })
}
