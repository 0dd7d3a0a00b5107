//! What a portal shows to a user, and removes for the user: tokens and consents.

mod persist;

use uuid::Uuid;

use super::model::{Consent, GrantedToken, Protection};
use crate::base::Base;
use crate::clock::Timestamp;
use crate::ids::{ApplicationId, ClientId, UserId};
use crate::settings::Settings;
use crate::store::StoreError;
use crate::store::rows::EventRow;
use crate::users::events::{Concerning, EventType, event};
use persist::Removal;

/// The most tokens or consents shown: far above what people have.
const LISTED_MAX: i64 = 1_000;

/// What protects the refresh token beside an access token; the best protected where there are
/// several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortalTokenType {
    /// `DEFAULT`: nothing, or the PIN.
    Default,
    /// `FINGER_PRINT`.
    FingerPrint,
    /// `CUSTOM_AUTHENTICATOR`.
    CustomAuthenticator,
}

/// An access token of a user, or, where it has expired and is gone, what a client can get another
/// one with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortalToken {
    /// What it is removed by.
    pub id: Uuid,
    /// The name of the web client or the application.
    pub client_name: String,
    pub device_name: Option<String>,
    /// When the token was issued.
    pub created_at: Timestamp,
    /// The scopes, separated by spaces.
    pub scope: String,
    pub token_type: PortalTokenType,
    /// Whether the client can get another one.
    pub refresh_token_issued: bool,
    /// Whether the access token has expired.
    pub expired: bool,
}

/// What a user has allowed a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortalConsent {
    /// What it is taken back by.
    pub id: Uuid,
    /// The name of the web client or the application.
    pub client_name: String,
    /// The scopes, separated by spaces.
    pub scope: String,
}

/// Shows and removes what users have.
pub struct Portals {
    pub(super) base: Base,
}

impl Portals {
    /// A user's tokens, the first thousand; not those that have expired without a refresh token.
    pub async fn list_tokens(&self, user: &UserId) -> Result<Vec<PortalToken>, StoreError> {
        let now = self.base.clock.now();
        let tokens = persist::list_tokens(&self.base.store, user, now, LISTED_MAX).await?;

        let settings = self.base.settings.load();
        let tokens = tokens.into_iter();

        Ok(tokens
            .map(|token| portal_token(&settings, token, now))
            .collect())
    }

    /// Removes a token of a user for `portal`, and with it the refresh tokens beside it; nothing
    /// where the user has no such token.
    ///
    /// # Errors
    /// The token may still be accepted.
    pub async fn remove_token(
        &self,
        portal: &ClientId,
        user: &UserId,
        id: Uuid,
    ) -> Result<(), StoreError> {
        let event = self.removal_event(portal, user, |removal| match removal {
            Removal::Removed => EventType::ApiTokenRemoved,
            Removal::NotFound => EventType::ApiTokenNotRemovedNotFound,
            Removal::Forbidden => EventType::ApiTokenNotRemovedForbidden,
        });

        persist::remove_token(&self.base.store, user, id.into_bytes(), event).await
    }

    /// What a user has consented to, the first thousand.
    pub async fn list_consents(&self, user: &UserId) -> Result<Vec<PortalConsent>, StoreError> {
        let consents = persist::list_consents(&self.base.store, user, LISTED_MAX).await?;

        let settings = self.base.settings.load();
        let consents = consents.into_iter();

        Ok(consents
            .map(|consent| portal_consent(&settings, consent))
            .collect())
    }

    /// Takes back a consent of a user for `portal`, and ends what the client was issued on it, on
    /// all of the user's devices; nothing where the user has given no such consent.
    ///
    /// # Errors
    /// What was issued may still be accepted.
    pub async fn remove_consent(
        &self,
        portal: &ClientId,
        user: &UserId,
        id: Uuid,
    ) -> Result<(), StoreError> {
        let event = self.removal_event(portal, user, |removal| match removal {
            Removal::Removed => EventType::ApiConsentRemoved,
            Removal::NotFound | Removal::Forbidden => EventType::ApiConsentNotRemovedNotFound,
        });
        persist::remove_consent(&self.base.store, user, id.into_bytes(), event).await
    }

    /// The event of a removal, made once it is known what became of it.
    fn removal_event<F>(
        &self,
        portal: &ClientId,
        user: &UserId,
        event_type: F,
    ) -> impl Fn(Removal) -> EventRow + Send + Sync + 'static + use<F>
    where
        F: Fn(Removal) -> EventType + Send + Sync + 'static,
    {
        let (portal, user) = (portal.clone(), user.clone());
        let (now, random) = (self.base.clock.now(), self.base.random.clone());

        move |removal| {
            let concerning = Concerning {
                client: Some(&portal),
                user: Some(&user),
                ..Concerning::default()
            };

            event(event_type(removal), concerning, now, random.as_ref())
        }
    }
}

fn portal_token(settings: &Settings, token: GrantedToken, now: Timestamp) -> PortalToken {
    PortalToken {
        id: token.id,
        client_name: client_name(settings, token.client.party()),
        device_name: token.device_name,
        created_at: token.issued_at,
        scope: token.scope,
        token_type: match token.refresh_token {
            Some(Protection::Fingerprint) => PortalTokenType::FingerPrint,
            Some(Protection::Custom) => PortalTokenType::CustomAuthenticator,
            Some(Protection::NoneOrPin) | None => PortalTokenType::Default,
        },
        refresh_token_issued: token.refresh_token.is_some(),
        expired: token.expires_at.is_none_or(|expires_at| expires_at <= now),
    }
}

fn portal_consent(settings: &Settings, consent: Consent) -> PortalConsent {
    PortalConsent {
        id: consent.id.as_uuid(),
        client_name: client_name(settings, &consent.party),
        scope: consent.scope,
    }
}

/// The name of a web client or an application; its id where it is not configured any more.
fn client_name(settings: &Settings, id: &str) -> String {
    let web = ClientId::new(id)
        .ok()
        .and_then(|id| settings.web_clients.get(&id));

    let application = ApplicationId::new(id)
        .ok()
        .and_then(|id| settings.applications.get(&id));

    let name = web
        .map(|client| &client.name)
        .or(application.map(|application| &application.name));
    name.map_or_else(|| id.to_owned(), Clone::clone)
}
