//! Ending tokens before they expire: one of them, or all of a client, for a resource server or of a
//! user.
//!
//! Nothing is marked as revoked. What a token rests on is deleted, or the epoch it was made under is
//! over. Both are checked by the read that finds a token, so that no node accepts anything of it
//! when the call has returned.

mod persist;

use std::sync::Arc;

use super::clients::{AuthenticatedClient, Clients, Credentials};
use super::error::OAuthError;
use super::tokens::{LiveTokens, PresentedRefreshToken};
use crate::base::Base;
use crate::devices::Devices;
use crate::ids::{ApplicationId, ClientId, DeviceId, UserId};
use crate::secret::SecretString;
use crate::store::StoreError;
use crate::store::rows::EventRow;
use crate::users::Users;
use crate::users::events::{Concerning, EventType, event};
use persist::Party;

/// A request to the revocation endpoint (RFC 7009 §2.1). The hint of the token's kind is not needed:
/// the text tells.
#[derive(Clone, Debug)]
pub struct RevocationRequest {
    pub credentials: Credentials,
    pub token: SecretString,
}

/// Why nothing was revoked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RevocationError {
    /// No web client, application, device or resource server has this id. `404`.
    #[error("There is nothing of this id.")]
    NotFound,
    /// The database failed; what was to be revoked may still be accepted.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Revokes tokens.
pub struct Revocation {
    pub(super) base: Base,
    pub(super) clients: Arc<Clients>,
    pub(super) tokens: Arc<LiveTokens>,
    pub(super) devices: Devices,
    pub(super) users: Users,
}

impl Revocation {
    /// Revokes a token of the client that asks (RFC 7009).
    ///
    /// An access token is revoked alone; the refresh token beside it stays. A refresh token,
    /// whichever of its family, ends the grant and everything that rests on it, if no authenticator
    /// protects it or it is the grant's only one. Otherwise its family ends and the grant's access
    /// tokens, and the user stays logged in by the other authenticators.
    ///
    /// # Errors
    /// The client did not authenticate, or the database failed: then the token may still be
    /// accepted. It is no error where the token is unknown, has expired or is another client's:
    /// nothing happens, and the answer does not tell which.
    pub async fn revoke(&self, request: &RevocationRequest) -> Result<(), OAuthError> {
        let AuthenticatedClient { client, used, .. } =
            self.clients.authenticate(&request.credentials).await?;
        self.clients.use_up(used).await?;

        let Base {
            store,
            keyring,
            clock,
            random,
            ..
        } = &self.base;

        let event = |event_type| client.event(event_type, None, clock.now(), random.as_ref());

        // Another client's token is not touched; the caller is not told.
        let text = request.token.expose();
        if let Some(presented) = PresentedRefreshToken::parse(keyring, text) {
            let event = event(EventType::TokenRevokeRefreshTokenSuccess);
            persist::revoke_refresh_token(store, presented.family, client.id(), event).await?;
        } else if let Some(live) = self.tokens.find_unrevoked(text).await? {
            let event = event(EventType::TokenRevokeAccessTokenSuccess);
            persist::revoke_access_token(store, live.token.id, client.id(), event).await?;
        }

        Ok(())
    }

    /// Revokes everything that was issued to a web client, to all devices of an application, or to
    /// one device, its own tokens included. The devices stay registered, and what users have
    /// enrolled on them.
    ///
    /// However many tokens that is, one row is written: the epoch they were made under. A device has
    /// few: their rows are deleted.
    pub async fn revoke_client(&self, id: &str) -> Result<(), RevocationError> {
        let party = self.find_party(id).await?;
        let (client, device) = match &party {
            Party::WebClient(id) => (Some(id.clone()), None),
            Party::Application(id) => (ClientId::new(id.as_str()).ok(), None),
            Party::Device(id) => (None, Some(id.clone())),
        };

        let event = self.event(
            EventType::TokenRevokeClientTokensSuccess,
            client.as_ref(),
            device.as_ref(),
        );

        Ok(persist::revoke_party(&self.base.store, party, event).await?)
    }

    /// Revokes everything that was issued for a resource server, and the grants that are for it
    /// alone.
    pub async fn revoke_resource_server(&self, id: &str) -> Result<(), RevocationError> {
        if !self.base.settings.load().resource_servers.contains_key(id) {
            return Err(RevocationError::NotFound);
        }

        // The audit log has no column for resource servers: the event names it as the client.
        let server = ClientId::new(id).map_err(|_| RevocationError::NotFound)?;

        let event = self.event(
            EventType::TokenRevokeResourceServerTokensSuccess,
            Some(&server),
            None,
        );

        Ok(persist::revoke_resource_server(&self.base.store, id.to_owned(), event).await?)
    }

    /// Ends everything a user is logged in with: see
    /// [`Users::revoke_tokens`](crate::users::Users::revoke_tokens).
    ///
    /// # Errors
    /// Nothing has happened, or all of it.
    pub async fn revoke_user(&self, user: &UserId) -> Result<(), StoreError> {
        self.users.revoke_tokens(user).await
    }

    async fn find_party(&self, id: &str) -> Result<Party, RevocationError> {
        let settings = self.base.settings.load();
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

        let id = DeviceId::new(id).map_err(|_| RevocationError::NotFound)?;

        match self.devices.find(&id).await? {
            Some(device) => Ok(Party::Device(device.id)),
            None => Err(RevocationError::NotFound),
        }
    }

    fn event(
        &self,
        event_type: EventType,
        client: Option<&ClientId>,
        device: Option<&DeviceId>,
    ) -> EventRow {
        let concerning = Concerning {
            client,
            device,
            ..Concerning::default()
        };

        event(
            event_type,
            concerning,
            self.base.clock.now(),
            self.base.random.as_ref(),
        )
    }
}
