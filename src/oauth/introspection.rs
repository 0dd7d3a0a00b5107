//! What a token means, for the APIs that take it (RFC 7662).
//!
//! The busiest endpoint: one read that is shared with others, nothing written, no signature
//! verified.

use std::sync::Arc;

use uuid::Uuid;

use super::clients::{Client, Clients};
use super::error::OAuthError;
use super::issuer::Issuer;
use super::model::{Actor, LiveAccessToken, LiveRefreshFamily};
use super::resource;
use super::tokens::{LiveTokens, PresentedRefreshToken, TokenType};
use crate::base::Base;
use crate::clock::Timestamp;
use crate::settings::{ApiClient, Permission};

/// A token that is active.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Introspection {
    /// The scopes, separated by spaces.
    pub scope: String,
    pub client_id: String,
    /// `None` for a client's own token.
    pub user_id: Option<String>,
    /// How it is presented; `None` for a refresh token, which is not presented to APIs.
    pub token_type: Option<TokenType>,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
    /// What is left of its life, in whole seconds.
    pub expires_in: u64,
    /// The `aud`: the resource server's, or this server's own.
    pub audience: String,
    pub jti: Uuid,
    /// The thumbprint of the key it is bound to (RFC 9449 §6.2).
    pub jkt: Option<String>,
    /// Who acts for the user, where the token was exchanged (RFC 8693 §4.1).
    pub actor: Option<Actor>,
    /// How the user was authenticated (RFC 8176).
    pub amr: Vec<String>,
    /// How well.
    pub acr: Option<String>,
    /// When; `None` for a client's own token.
    pub auth_time: Option<Timestamp>,
    /// What the token was issued to, if that is a device.
    pub device: Option<IntrospectedDevice>,
}

/// The application of the device that a token was issued to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntrospectedDevice {
    pub application_id: String,
    /// `ios`, `android`.
    pub platform: String,
    pub version: String,
}

/// Tells API clients what tokens mean.
pub struct Introspector {
    pub(super) base: Base,
    pub(super) issuer: Issuer,
    pub(super) clients: Arc<Clients>,
    pub(super) tokens: Arc<LiveTokens>,
}

impl Introspector {
    /// What a token means to this API client; `None` for every token that is not active, or that
    /// the client may not ask about.
    ///
    /// The text tells what kind of token it is: the client's guess (`token_type_hint`) is not
    /// needed.
    pub async fn introspect(
        &self,
        caller: &ApiClient,
        token: &str,
    ) -> Result<Option<Introspection>, OAuthError> {
        if let Some(presented) = PresentedRefreshToken::parse(&self.base.keyring, token) {
            // An API that heard of an active token would take it for an access token, which lives for
            // minutes and not for a month without any proof (RFC 7662 §4).
            if !caller
                .permissions
                .contains(&Permission::TokenIntrospectionAll)
            {
                return Ok(None);
            }

            let live = self.tokens.find_refresh_family(presented.family).await?;
            // To those it is not for, it is a token like any that is not active (RFC 7662 §2.2).
            let live = live.filter(|live| may_ask(caller, live.grant.resource_server.as_deref()));
            return match live {
                Some(live) => self.of_refresh_token(live, presented.generation).await,
                None => Ok(None),
            };
        }

        let live = self.tokens.find_access_token(token).await?;
        let live = live.filter(|live| may_ask(caller, live.token.resource_server.as_deref()));
        Ok(live.and_then(|live| self.of_access_token(live)))
    }

    /// `None` for a token whose resource server is not configured any more.
    fn of_access_token(&self, live: LiveAccessToken) -> Option<Introspection> {
        let LiveAccessToken {
            token,
            authentication,
            device,
            ..
        } = live;

        let audience = self.audience(token.resource_server.as_deref())?;
        let token_type = TokenType::of(&token);

        let application = token.client.application_id;
        let device = application
            .zip(device)
            .map(|(application, device)| IntrospectedDevice {
                application_id: application.into(),
                platform: device.platform.as_str().to_owned(),
                version: device.application_version,
            });

        Some(Introspection {
            scope: token.scope,
            client_id: token.client.id,
            user_id: token.user.map(|user| user.user_id.into()),
            token_type: Some(token_type),
            issued_at: token.issued_at,
            expires_at: token.expires_at,
            expires_in: self.seconds_left(token.expires_at),
            audience,
            jti: token.id.as_uuid(),
            jkt: token.jkt,
            actor: Actor::of(&token.actors),
            auth_time: authentication.as_ref().map(|known| known.time),
            acr: authentication.as_ref().and_then(|known| known.acr.clone()),
            amr: authentication.map_or_else(Vec::new, |known| known.amr),
            device,
        })
    }

    async fn of_refresh_token(
        &self,
        live: LiveRefreshFamily,
        generation: i32,
    ) -> Result<Option<Introspection>, OAuthError> {
        let LiveRefreshFamily { family, grant, .. } = live;
        // Only the last token is good. The grace period is for its holder, whose answer may have
        // been lost, and not for those who ask about it.
        if family.generation != generation || family.expires_at <= self.base.clock.now() {
            return Ok(None);
        }

        // The client may have been removed, or its version disabled.
        let Some(client) = self.clients.find(&grant.client.id).await? else {
            return Ok(None);
        };
        let Some(audience) = self.audience(grant.resource_server.as_deref()) else {
            return Ok(None);
        };

        Ok(Some(Introspection {
            scope: grant.scope,
            client_id: grant.client.id,
            user_id: Some(grant.login.user_id.into()),
            token_type: None,
            issued_at: family.issued_at,
            expires_at: family.expires_at,
            expires_in: self.seconds_left(family.expires_at),
            audience,
            jti: family.id.as_uuid(),
            jkt: family.jkt,
            actor: None,
            auth_time: Some(grant.login.authentication.time),
            acr: grant.login.authentication.acr,
            amr: grant.login.authentication.amr,
            device: introspected_device(&client),
        }))
    }

    fn seconds_left(&self, expires_at: Timestamp) -> u64 {
        expires_at.since(self.base.clock.now()).as_secs()
    }

    fn audience(&self, resource_server: Option<&str>) -> Option<String> {
        let settings = self.base.settings.load();
        resource::audience(&settings, self.issuer.as_str(), resource_server).map(str::to_owned)
    }
}

fn introspected_device(client: &Client) -> Option<IntrospectedDevice> {
    match client {
        Client::Web(_) => None,
        Client::Device {
            device,
            application,
        } => Some(IntrospectedDevice {
            application_id: application.id.to_string(),
            platform: device.platform.as_str().to_owned(),
            version: device.application_version.clone(),
        }),
    }
}

/// Whether an API client may ask about tokens of this resource server. Tokens without one are for
/// the clients that have no resource servers.
fn may_ask(caller: &ApiClient, resource_server: Option<&str>) -> bool {
    match resource_server {
        Some(id) => caller.resource_servers.contains(id),
        None => caller.resource_servers.is_empty(),
    }
}
