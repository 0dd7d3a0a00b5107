//! What the requests of login and consent pages have in common.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::PageRequestError;
use super::persist;
use crate::base::Base;
use crate::ids::UserId;
use crate::oauth::clients::{Client, Clients};
use crate::oauth::model::{Authorization, AuthorizationState};
use crate::secret::TokenKind;
use crate::settings::Platform;

/// The device a user is to log in on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestingDevice {
    pub application_id: String,
    pub application_name: String,
    pub platform: Platform,
    /// As its user calls it.
    pub device_name: String,
}

impl RequestingDevice {
    /// `None` for a web client.
    pub(super) fn of(client: &Client) -> Option<Self> {
        match client {
            Client::Web(_) => None,
            Client::Device {
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
pub struct RequestedScope {
    /// The name on the wire.
    pub id: String,
    /// By language code; empty where administrators have not described it.
    pub descriptions: BTreeMap<String, String>,
}

/// Finds what a page was asked for.
pub(super) struct PageRequests {
    pub(super) base: Base,
    pub(super) clients: Arc<Clients>,
}

impl PageRequests {
    /// The authorization that a challenge was handed out for, and what `in_state` takes from a state
    /// that waits for the answer.
    pub(super) async fn find<T>(
        &self,
        challenge: &str,
        kind: TokenKind,
        in_state: impl FnOnce(&AuthorizationState) -> Option<T>,
    ) -> Result<(Authorization, T), PageRequestError> {
        // The kind is part of the hash: what the login page was handed does not open the consent
        // page.
        let hash = self.base.keyring.token_hash(kind, challenge);
        let authorization = persist::find_authorization(&self.base.store, hash)
            .await?
            .ok_or(PageRequestError::NotFound)?;

        // Before the time is looked at: a page that answers twice is told that it was answered,
        // however late the second answer comes.
        let waiting = in_state(&authorization.state).ok_or(PageRequestError::AlreadyAnswered)?;

        if authorization.expires_at <= self.base.clock.now() {
            return Err(PageRequestError::NotFound);
        }

        Ok((authorization, waiting))
    }

    /// The client of an authorization, unless it was removed or disabled since.
    pub(super) async fn client_of(
        &self,
        authorization: &Authorization,
    ) -> Result<Client, PageRequestError> {
        let client = self.clients.find(&authorization.client_id).await?;
        client.ok_or(PageRequestError::NotFound)
    }

    /// Whether a user has the id of a client.
    pub(super) async fn is_client_id(&self, user: &UserId) -> Result<bool, PageRequestError> {
        Ok(self.clients.is_client_id(user.as_str()).await?)
    }

    /// What administrators say of the scopes that are asked for.
    pub(super) fn describe(&self, scope: &str) -> Vec<RequestedScope> {
        let settings = self.base.settings.load();
        let describe = |name: &str| {
            let descriptions = settings
                .scopes
                .get(name)
                .map(|scope| scope.descriptions.clone());
            RequestedScope {
                id: name.to_owned(),
                descriptions: descriptions.unwrap_or_default(),
            }
        };

        scope.split(' ').map(describe).collect()
    }
}
