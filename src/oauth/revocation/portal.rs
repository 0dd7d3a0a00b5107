//! What a portal shows to a user, and removes for the user: tokens and consents.

use uuid::Uuid;

use super::super::TokenServer;
use super::persist::{self, Removal};
use crate::clock::Timestamp;
use crate::ids::{ApplicationId, ClientId, UserId};
use crate::settings::Settings;
use crate::store::StoreError;
use crate::store::rows::{ConsentRow, EventRow, PortalTokenRow};
use crate::users::events::{Concerning, EventType, event};

/// Tokens or consents shown at a time: far above what people have.
const LISTED_MAX: i64 = 1_000;

/// By what the refresh token beside an access token is protected, best protected first where there
/// are several.
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

impl TokenServer {
    /// A user's tokens that are of use, the first thousand; not those that have expired without a
    /// refresh token.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn list_tokens_of_user(&self, user: &UserId) -> Result<Vec<PortalToken>, StoreError> {
        let now = self.0.base.clock.now();
        let rows = persist::list_tokens(
            &self.0.base.store,
            user.as_str(),
            now.as_millis(),
            LISTED_MAX,
        )
        .await?;
        let settings = self.0.base.settings.load();
        Ok(rows
            .into_iter()
            .filter_map(|row| portal_token(&settings, row, now))
            .collect())
    }

    /// Removes a token of a user for `portal`, and with it the refresh tokens beside it; nothing
    /// where the user has no such token.
    ///
    /// # Errors
    /// The token may be alive.
    pub async fn remove_token_of_user(
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
        persist::remove_token(&self.0.base.store, user.as_str(), id.into_bytes(), event).await
    }

    /// What a user has consented to, the first thousand.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn list_consents_of_user(
        &self,
        user: &UserId,
    ) -> Result<Vec<PortalConsent>, StoreError> {
        let rows = persist::list_consents(&self.0.base.store, user.as_str(), LISTED_MAX).await?;
        let settings = self.0.base.settings.load();
        Ok(rows
            .into_iter()
            .filter_map(|row| portal_consent(&settings, row))
            .collect())
    }

    /// Takes a consent of a user back for `portal`, and ends what the client was issued on it, on
    /// all of the user's devices; nothing where the user has given no such consent.
    ///
    /// # Errors
    /// What was issued may be alive.
    pub async fn remove_consent_of_user(
        &self,
        portal: &ClientId,
        user: &UserId,
        id: Uuid,
    ) -> Result<(), StoreError> {
        let event = self.removal_event(portal, user, |removal| match removal {
            Removal::Removed => EventType::ApiConsentRemoved,
            Removal::NotFound | Removal::Forbidden => EventType::ApiConsentNotRemovedNotFound,
        });
        persist::remove_consent(&self.0.base.store, user.as_str(), id.into_bytes(), event).await
    }

    /// What the audit log says of a removal, once it is known what became of it.
    fn removal_event<F>(
        &self,
        portal: &ClientId,
        user: &UserId,
        event_type: F,
    ) -> impl Fn(Removal) -> EventRow + Send + Sync + 'static + use<F>
    where
        F: Fn(Removal) -> EventType + Send + Sync + 'static,
    {
        let (portal, user, server) = (portal.clone(), user.clone(), self.clone());
        let now = self.0.base.clock.now();
        move |removal| {
            let concerning = Concerning {
                client: Some(&portal),
                user: Some(&user),
                ..Concerning::default()
            };
            event(
                event_type(removal),
                concerning,
                now,
                server.0.base.random.as_ref(),
            )
        }
    }
}

fn portal_token(settings: &Settings, row: PortalTokenRow, now: Timestamp) -> Option<PortalToken> {
    Some(PortalToken {
        id: Uuid::from_slice(&row.id).ok()?,
        client_name: client_name(
            settings,
            row.application_id.as_deref().unwrap_or(&row.client_id),
        ),
        device_name: row.device_name,
        created_at: Timestamp::from_millis(row.issued_at),
        scope: row.scope,
        token_type: match row.protection {
            Some(3) => PortalTokenType::FingerPrint,
            Some(2) => PortalTokenType::CustomAuthenticator,
            _ => PortalTokenType::Default,
        },
        refresh_token_issued: row.protection.is_some(),
        expired: row
            .expires_at
            .is_none_or(|expires_at| expires_at <= now.as_millis()),
    })
}

fn portal_consent(settings: &Settings, row: ConsentRow) -> Option<PortalConsent> {
    Some(PortalConsent {
        id: Uuid::from_slice(&row.id).ok()?,
        client_name: client_name(settings, &row.client),
        scope: row.scope,
    })
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
