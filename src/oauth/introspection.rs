//! What a token means, for the APIs that take it (RFC 7662).
//!
//! The busiest of all doors: one read that it shares with others, nothing is written, no signature
//! is verified.

use uuid::Uuid;

use super::tokens::text::parse_refresh_token;
use super::tokens::{TokenType, amr};
use super::{OAuthError, TokenServer};
use crate::clock::Timestamp;
use crate::settings::ApiClient;
use crate::store::rows::{LiveAccessToken, LiveRefreshToken};

use super::clients::Client;

/// A token that is active.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Introspection {
    pub scope: String,
    /// To whom it was issued.
    pub client_id: String,
    /// For which user; none for a client's own token.
    pub user_id: Option<String>,
    /// How it is presented; none for a refresh token, which is not presented to APIs.
    pub token_type: Option<TokenType>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// Until when it is good.
    pub expires_at: Timestamp,
    /// What is left of its life, in whole seconds.
    pub expires_in: u64,
    /// Whom it is meant for.
    pub audience: String,
    /// The token's own id.
    pub jti: Uuid,
    /// The key it is bound to (RFC 9449 §6.2).
    pub jkt: Option<String>,
    /// How the user was authenticated.
    pub amr: Vec<String>,
    /// Of an installation's token.
    pub installation: Option<InstallationFacts>,
}

/// Which application a token was issued to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstallationFacts {
    pub application_id: String,
    /// `ios`, `android`.
    pub platform: String,
    pub version: String,
}

impl TokenServer {
    /// What a token means to this API client; `None` for every token that is not active, or not the
    /// client's to ask for.
    ///
    /// The text tells what kind of token it is, so that the client's own guess (`token_type_hint`)
    /// is of no use.
    pub async fn introspect(
        &self,
        caller: &ApiClient,
        token: &str,
    ) -> Result<Option<Introspection>, OAuthError> {
        if let Some((id, generation)) = parse_refresh_token(&self.0.base.keyring, token) {
            let live = self.0.refresh_tokens.find(id.to_vec()).await?;
            return match live.filter(|live| may_ask(caller, live.grant.resource_server.as_deref()))
            {
                Some(live) => self.introspect_refresh_token(live, generation).await,
                None => Ok(None),
            };
        }
        let live = self.live_access_token(token).await?;
        let live = live.filter(|live| may_ask(caller, live.token.resource_server.as_deref()));
        Ok(live.and_then(|live| self.introspect_access_token(live)))
    }

    /// `None` for a token whose resource server is not configured any more.
    fn introspect_access_token(&self, live: LiveAccessToken) -> Option<Introspection> {
        let LiveAccessToken {
            token,
            authentication,
            installation,
        } = live;
        let installation =
            token
                .application_id
                .zip(installation)
                .map(|(application_id, (version, platform))| InstallationFacts {
                    application_id,
                    platform,
                    version,
                });
        let (issued_at, expires_at) = (token.issued_at, token.expires_at);
        Some(Introspection {
            scope: token.scope,
            client_id: token.client_id,
            user_id: token.user_id,
            token_type: Some(if token.jkt.is_some() {
                TokenType::Dpop
            } else {
                TokenType::Bearer
            }),
            issued_at: Timestamp::from_millis(issued_at),
            expires_at: Timestamp::from_millis(expires_at),
            expires_in: self.seconds_left(expires_at),
            audience: self.audience(token.resource_server.as_deref())?,
            jti: Uuid::from_slice(&token.id).ok()?,
            jkt: token.jkt,
            amr: authentication
                .map(|facts| amr(facts.amr.as_deref()))
                .unwrap_or_default(),
            installation,
        })
    }

    async fn introspect_refresh_token(
        &self,
        live: LiveRefreshToken,
        generation: i32,
    ) -> Result<Option<Introspection>, OAuthError> {
        let LiveRefreshToken {
            refresh_token: family,
            grant,
            ..
        } = live;
        if family.generation != generation
            || family.expires_at <= self.0.base.clock.now().as_millis()
        {
            return Ok(None);
        }
        let Some(client) = self.find_client(&grant.client_id).await? else {
            return Ok(None);
        };
        let installation = match &client {
            Client::Web(_) => None,
            Client::Installation {
                device,
                application,
            } => Some(InstallationFacts {
                application_id: application.id.to_string(),
                platform: device.platform.as_str().to_owned(),
                version: device.application_version.clone(),
            }),
        };
        let (audience, jti) = (
            self.audience(grant.resource_server.as_deref()),
            Uuid::from_slice(&family.id).ok(),
        );
        Ok(audience.zip(jti).map(|(audience, jti)| Introspection {
            scope: grant.scope,
            client_id: grant.client_id,
            user_id: Some(grant.user_id),
            token_type: None,
            issued_at: Timestamp::from_millis(family.issued_at),
            expires_at: Timestamp::from_millis(family.expires_at),
            expires_in: self.seconds_left(family.expires_at),
            audience,
            jti,
            jkt: family.jkt,
            amr: amr(grant.amr.as_deref()),
            installation,
        }))
    }

    fn seconds_left(&self, expires_at: i64) -> u64 {
        Timestamp::from_millis(expires_at)
            .since(self.0.base.clock.now())
            .as_secs()
    }

    pub(super) fn audience(&self, resource_server: Option<&str>) -> Option<String> {
        let Some(id) = resource_server else {
            return Some(self.0.issuer.clone());
        };
        self.0
            .base
            .settings
            .load()
            .resource_servers
            .get(id)
            .map(|server| server.audience.clone())
    }
}

/// Whether an API client may ask for tokens of this resource server. Tokens without one are for
/// those who have none.
fn may_ask(caller: &ApiClient, resource_server: Option<&str>) -> bool {
    match resource_server {
        Some(id) => caller.resource_servers.contains(id),
        None => caller.resource_servers.is_empty(),
    }
}
