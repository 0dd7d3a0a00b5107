//! What the requests of login and consent pages have in common.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::error::PageRequestError;
use super::{persist, user_code, verifier};
use crate::base::Base;
use crate::ids::{AuthorizationId, UserId};
use crate::oauth::clients::{Client, Clients};
use crate::oauth::model::{Authorization, AuthorizationState};
use crate::random::Random;
use crate::secret::{Keyring, Purpose, TokenKind};
use crate::settings::Platform;

/// The installation of an application that a user is to log in on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestingInstallation {
    /// The name of the application.
    pub application: String,
    pub platform: Platform,
    /// As the user calls the device.
    pub name: String,
}

impl RequestingInstallation {
    /// `None` for a web client.
    pub(super) fn of(client: &Client) -> Option<Self> {
        match client {
            Client::Web(_) => None,
            Client::Device {
                device,
                application,
            } => Some(Self {
                application: application.name.clone(),
                platform: device.platform,
                name: device.name.clone(),
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

/// A user code, for the hints of the authorization that it stands in, where alone it opens.
pub(super) fn seal_user_code(
    keyring: &Keyring,
    id: AuthorizationId,
    code: &str,
    random: &dyn Random,
) -> String {
    let sealed = keyring.seal(Purpose::LogIn, &id.to_column(), code.as_bytes(), random);
    STANDARD_NO_PAD.encode(sealed)
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
        let found = persist::find_authorization(&self.base.store, hash).await?;
        self.in_time(found, in_state)
    }

    /// The authorization that a browser comes back for, and what `in_state` takes from a state in
    /// which a page has answered.
    pub(super) async fn find_answered<T>(
        &self,
        verifier: &str,
        in_state: impl FnOnce(&AuthorizationState) -> Option<T>,
    ) -> Result<(Authorization, T), PageRequestError> {
        let id = verifier::id(verifier).ok_or(PageRequestError::NotFound)?;
        let found = persist::find_authorization_by_id(&self.base.store, id).await?;
        let its = found.filter(|found| verifier::is_of(verifier, &self.base.keyring, found));
        self.in_time(its, in_state)
    }

    fn in_time<T>(
        &self,
        found: Option<Authorization>,
        in_state: impl FnOnce(&AuthorizationState) -> Option<T>,
    ) -> Result<(Authorization, T), PageRequestError> {
        let authorization = found.ok_or(PageRequestError::NotFound)?;

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

    /// The code of the appliance that a user is to connect; `None` where it is no appliance that
    /// asks.
    pub(super) fn user_code(&self, authorization: &Authorization) -> Option<String> {
        let Authorization { id, hints, .. } = authorization;
        let sealed = STANDARD_NO_PAD.decode(hints.user_code.as_ref()?).ok()?;
        let keyring = &self.base.keyring;
        let opened = keyring.open(Purpose::LogIn, &id.to_column(), &sealed);
        let code = String::from_utf8(opened.ok()?.to_vec()).ok()?;

        Some(user_code::shown(&code))
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
