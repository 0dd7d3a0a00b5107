//! What login and consent pages have in common.

use std::collections::BTreeMap;

use super::persist;
use super::state::{AnsweredBefore, AuthorizationStatus};
use crate::oauth::TokenServer;
use crate::oauth::clients::Client;
use crate::oauth::error::{OAuthError, log_unavailable};
use crate::secret::TokenKind;
use crate::settings::Platform;
use crate::store::StoreError;
use crate::store::rows::AuthorizationRow;

/// Why a login or consent page was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageRequestError {
    /// No such request, or it is too late for it. `404`.
    #[error("There is no such request, or it has expired.")]
    NotFound,
    /// It was accepted or rejected before. `409`.
    #[error("The request was answered already.")]
    AlreadyAnswered,
    /// The user may not log in. `403`.
    #[error("The user is disabled.")]
    UserDisabled,
    /// A member is out of its bounds. `400`.
    #[error("{parameter}: {problem}")]
    InvalidParameter {
        parameter: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// `503`.
    #[error("The server is busy or its database is out of reach; try again shortly.")]
    Unavailable,
}

impl From<StoreError> for PageRequestError {
    fn from(error: StoreError) -> Self {
        log_unavailable(&error);
        Self::Unavailable
    }
}

impl From<AnsweredBefore> for PageRequestError {
    fn from(_: AnsweredBefore) -> Self {
        Self::AlreadyAnswered
    }
}

pub(super) const fn invalid(parameter: &'static str, problem: &'static str) -> PageRequestError {
    PageRequestError::InvalidParameter { parameter, problem }
}

/// The installation a user is to log in on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    pub application_id: String,
    pub application_name: String,
    pub platform: Platform,
    /// As the user calls the device.
    pub device_name: String,
}

impl Installed {
    /// Where the client is one.
    pub(super) fn of(client: &Client) -> Option<Self> {
        match client {
            Client::Web(_) => None,
            Client::Installation {
                device,
                application,
            } => Some(Self {
                application_id: application.id.to_string(),
                application_name: application.name.clone(),
                platform: device.platform,
                device_name: device.name.clone(),
            }),
        }
    }
}

/// A scope, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeAsked {
    /// The name on the wire.
    pub id: String,
    /// By language code; empty where administrators have not described it.
    pub descriptions: BTreeMap<String, String>,
}

impl TokenServer {
    /// The authorization that waits for the page of this challenge.
    pub(super) async fn waiting(
        &self,
        challenge: &str,
        kind: TokenKind,
        status: AuthorizationStatus,
    ) -> Result<AuthorizationRow, PageRequestError> {
        let hash = self.0.base.keyring.token_hash(kind, challenge);
        let row = persist::find_authorization(&self.0.base.store, hash)
            .await?
            .ok_or(PageRequestError::NotFound)?;
        if row.status != status.stored() {
            return Err(PageRequestError::AlreadyAnswered);
        }
        if row.expires_at <= self.0.base.clock.now().as_millis() {
            return Err(PageRequestError::NotFound);
        }
        Ok(row)
    }

    /// The client of an authorization; there is none any more where it was unregistered or disabled
    /// meanwhile.
    pub(super) async fn client_of(
        &self,
        row: &AuthorizationRow,
    ) -> Result<Client, PageRequestError> {
        match self.find_client(&row.client_id).await {
            Ok(client) => client.ok_or(PageRequestError::NotFound),
            Err(OAuthError::Unavailable) => Err(PageRequestError::Unavailable),
            Err(_) => Err(PageRequestError::NotFound),
        }
    }

    pub(super) fn scopes_asked(&self, scope: &str) -> Vec<ScopeAsked> {
        let settings = self.0.base.settings.load();
        let described = |name: &str| {
            let descriptions = settings
                .scopes
                .get(name)
                .map(|scope| scope.descriptions.clone());
            ScopeAsked {
                id: name.to_owned(),
                descriptions: descriptions.unwrap_or_default(),
            }
        };
        scope.split(' ').map(described).collect()
    }
}
