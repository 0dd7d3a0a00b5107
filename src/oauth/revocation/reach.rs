//! Everything at once: what was issued to a client, or for a resource server. However many tokens
//! that is, it is one row, the epoch they were made under; of an installation, whose tokens are
//! few, it is their rows.

use super::super::TokenServer;
use super::persist;
use crate::ids::{ApplicationId, ClientId, DeviceId, UserId};
use crate::store::StoreError;
use crate::users::events::{Concerning, EventType, event};

/// Why nothing was revoked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReachError {
    /// No web client, application, installation or resource server has this id. `404`.
    #[error("There is nothing of this id.")]
    NotFound,
    /// The database; what was to end may be alive.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whom tokens are issued to.
#[derive(Clone, Debug)]
pub(super) enum Party {
    /// A web client.
    WebClient(ClientId),
    /// All installations of an application.
    Application(ApplicationId),
    /// One of them.
    Installation(DeviceId),
}

impl TokenServer {
    /// Ends everything that was issued to a web client, to all installations of an application, or
    /// to one installation, its own tokens included. The installations themselves stay, and what
    /// users have enrolled on them.
    ///
    /// # Errors
    /// See [`ReachError`].
    pub async fn revoke_client_tokens(&self, id: &str) -> Result<(), ReachError> {
        let party = self.find_party(id).await?;
        let (client, device) = match &party {
            Party::WebClient(id) => (Some(id.clone()), None),
            Party::Application(id) => (ClientId::new(id.as_str()).ok(), None),
            Party::Installation(id) => (None, Some(id.clone())),
        };
        let concerning = Concerning {
            client: client.as_ref(),
            device: device.as_ref(),
            ..Concerning::default()
        };
        let event_type = EventType::TokenRevokeClientTokensSuccess;
        let event = event(
            event_type,
            concerning,
            self.0.base.clock.now(),
            self.0.base.random.as_ref(),
        );
        Ok(persist::revoke_party(&self.0.base.store, party, event).await?)
    }

    /// Ends everything that was issued for a resource server, and the grants that are for it alone.
    ///
    /// # Errors
    /// See [`ReachError`].
    pub async fn revoke_resource_server_tokens(&self, id: &str) -> Result<(), ReachError> {
        if !self
            .0
            .base
            .settings
            .load()
            .resource_servers
            .contains_key(id)
        {
            return Err(ReachError::NotFound);
        }
        let server = ClientId::new(id).map_err(|_| ReachError::NotFound)?;
        let concerning = Concerning {
            client: Some(&server),
            ..Concerning::default()
        };
        let event_type = EventType::TokenRevokeResourceServerTokensSuccess;
        let event = event(
            event_type,
            concerning,
            self.0.base.clock.now(),
            self.0.base.random.as_ref(),
        );
        Ok(persist::revoke_resource_server(&self.0.base.store, id.to_owned(), event).await?)
    }

    /// Ends everything a user is logged in with: see
    /// [`Users::revoke_tokens`](crate::users::Users::revoke_tokens).
    ///
    /// # Errors
    /// Nothing has happened, or all of it.
    pub async fn revoke_user_tokens(&self, user: &UserId) -> Result<(), StoreError> {
        self.0.users.revoke_tokens(user).await
    }

    async fn find_party(&self, id: &str) -> Result<Party, ReachError> {
        let settings = self.0.base.settings.load();
        if let Ok(id) = ClientId::new(id)
            && settings.web_clients.contains_key(&id)
        {
            return Ok(Party::WebClient(id));
        }
        if let Ok(id) = ApplicationId::new(id)
            && settings.applications.contains_key(&id)
        {
            return Ok(Party::Application(id));
        }
        let id = DeviceId::new(id).map_err(|_| ReachError::NotFound)?;
        match self.0.devices.find(&id).await? {
            Some(device) => Ok(Party::Installation(device.id)),
            None => Err(ReachError::NotFound),
        }
    }
}
