//! Access tokens: opaque, kept as keyed hashes.

mod bearer;

use std::time::Duration;

use super::TokenServer;
use crate::ids::{DeviceId, ProfileId};
use crate::secret::{OpaqueToken, SecretString, TokenKind};
use crate::store::rows::{AccessTokenRow, EventRow};
use crate::users::events::{Concerning, EventType, event};

pub use bearer::{Bearer, BearerError};

/// How long an access token is good for.
pub const ACCESS_TOKEN_LIFETIME: Duration = Duration::from_secs(900);

/// The successful answer of the token endpoint (RFC 6749 §5.1).
#[derive(Debug)]
pub struct TokenResponse {
    /// `access_token`. Told this once.
    pub access_token: SecretString,
    /// `expires_in`, in seconds. `token_type` is always `Bearer`.
    pub expires_in: u64,
    /// `scope`.
    pub scope: &'static str,
    /// `profile_id`: of a user who is enrolled on the installation.
    pub profile_id: Option<ProfileId>,
}

impl TokenResponse {
    pub(super) fn new(access_token: SecretString, scope: &'static str, profile_id: Option<ProfileId>) -> Self {
        Self { access_token, expires_in: ACCESS_TOKEN_LIFETIME.as_secs(), scope, profile_id }
    }
}

/// A token that becomes one when its row is committed.
pub(super) struct NewAccessToken {
    pub(super) text: SecretString,
    /// Nobody's yet: the grant that knows the user fills it in.
    pub(super) row: AccessTokenRow,
    /// To be committed with it.
    pub(super) event: EventRow,
}

impl TokenServer {
    /// A fresh access token of an installation.
    pub(super) fn new_access_token(&self, device: &DeviceId, scope: &str) -> NewAccessToken {
        let now = self.0.clock.now();
        let OpaqueToken { text, hash } = OpaqueToken::new(&self.0.keyring, TokenKind::Access, self.0.random.as_ref());
        let row = AccessTokenRow {
            token_hash: hash.to_vec(),
            client_id: device.to_string(),
            user_id: None,
            scope: scope.to_owned(),
            issued_at: now.as_millis(),
            expires_at: now.after(ACCESS_TOKEN_LIFETIME).as_millis(),
        };
        let concerning = Concerning { device: Some(device), ..Concerning::default() };
        let event = event(EventType::TokenRequestAccessTokenCreated, concerning, now, self.0.random.as_ref());
        NewAccessToken { text, row, event }
    }
}
