//! Exchanging a code whose user has agreed: the same for a redirect's and an appliance's.

use std::sync::Arc;
use std::time::Duration;

use super::approval::Approval;
use super::client::{refresh_token_jkt, replayed};
use super::persist::{self, Exchange, Exchanged};
use super::request::TokenRequest;
use crate::base::Base;
use crate::clock::Timestamp;
use crate::ids::{DeviceId, GrantId, RefreshFamilyId};
use crate::oauth::clients::{AuthenticatedClient, Client, Clients};
use crate::oauth::error::OAuthError;
use crate::oauth::model::{Grant, RefreshFamily};
use crate::oauth::resource;
use crate::oauth::tokens::{Issuance, Issue, TokenResponse, refresh_token};
use crate::settings::{GrantType, Settings};
use crate::store::StoreError;
use crate::store::rows::EventRow;
use crate::users::Users;
use crate::users::events::EventType;

/// How long a refresh token can be bound to an authenticator, where the application has PINs.
const BINDING_TIME_TO_LIVE: Duration = Duration::from_secs(900);

/// What became of a code.
pub(super) enum Redeemed {
    Issued(TokenResponse),
    /// The client's code was used since it was read.
    UsedBefore(Client),
}

/// Exchanges codes for tokens.
pub(super) struct Redemption {
    pub(super) base: Base,
    pub(super) clients: Arc<Clients>,
    pub(super) users: Users,
    pub(super) issuance: Arc<Issuance>,
}

impl Redemption {
    pub(super) async fn redeem(
        &self,
        request: &TokenRequest,
        authenticated: AuthenticatedClient,
        approval: Approval,
    ) -> Result<Redeemed, OAuthError> {
        let refresh_jkt = refresh_token_jkt(&authenticated);
        let AuthenticatedClient { client, used, jkt } = authenticated;
        let (granted, resource) = (&approval.resource_server, request.resource.as_deref());
        let settings = self.base.settings.load();
        // Before anything is written: a wrong `resource` costs no code.
        let resource_server = resource::within(&settings, &client, granted.as_deref(), resource)?;

        // Disabling a user removes codes, but this one may have been issued at the same moment.
        if self.users.is_disabled(&approval.login.user_id).await? {
            self.clients.use_up(used).await?;
            return Err(OAuthError::InvalidGrant);
        }

        let now = self.base.clock.now();
        let (code, nonce) = (approval.code, approval.nonce.clone());
        let grant = self.new_grant(&settings, &client, approval, now)?;
        let family = client
            .may_use(GrantType::RefreshToken)
            .then(|| self.new_family(&client, &grant, refresh_jkt, now));

        let access_token = self.issuance.access_token(Issue {
            client: &client,
            on: Some((&grant).into()),
            scope: &grant.scope,
            resource_server: resource_server.as_deref(),
            jkt,
            actors: Vec::new(),
        })?;

        let text = access_token.text.expose();
        let id_token = self
            .issuance
            .id_token(&client, &grant, nonce.as_deref(), text)?;

        let exchange = Exchange {
            used,
            code,
            grant: &grant,
            family: family.as_ref(),
            access_token: &access_token,
            first_use_of: first_use_of(&client),
            event: self.event(&client, &grant, now),
        };

        // Of several requests with the same code, one gets here first.
        match persist::exchange(&self.base.store, exchange).await? {
            Exchanged::Issued => {}
            Exchanged::UsedBefore => return Ok(Redeemed::UsedBefore(client)),
            Exchanged::Replayed => return Err(replayed(request)),
        }

        let keyring = &self.base.keyring;

        Ok(Redeemed::Issued(TokenResponse {
            refresh_token: family.map(|family| refresh_token(keyring, &family)),
            id_token,
            ..TokenResponse::new(access_token)
        }))
    }

    fn event(&self, client: &Client, grant: &Grant, now: Timestamp) -> EventRow {
        client.event(
            EventType::TokenRequestAccessTokenCreated,
            Some(&grant.login.user_id),
            now,
            self.base.random.as_ref(),
        )
    }

    fn new_grant(
        &self,
        settings: &Settings,
        client: &Client,
        approval: Approval,
        now: Timestamp,
    ) -> Result<Grant, OAuthError> {
        let Approval {
            mut login, scope, ..
        } = approval;

        // Only what the user has allowed the client to see is kept.
        let Base {
            keyring, random, ..
        } = &self.base;
        let authentication = &mut login.authentication;
        let claims = authentication.claims(keyring, &login.user_id);
        let claims = claims
            .map_err(StoreError::from)?
            .for_scope(&scope, settings);
        authentication.claims = claims.seal(keyring, &login.user_id, random.as_ref());

        let policy = client.policy();

        // Without refresh tokens nothing can outlive the first access token.
        let lifetime = if client.may_use(GrantType::RefreshToken) {
            policy.refresh_token_max_lifetime()
        } else {
            policy.access_token_lifetime()
        };

        Ok(Grant {
            id: GrantId::new(now, random.as_ref()),
            client: client.to_ref(),
            login,
            scope,
            resource_server: approval.resource_server,
            created_at: now,
            expires_at: now.after(lifetime),
        })
    }

    fn new_family(
        &self,
        client: &Client,
        grant: &Grant,
        jkt: Option<String>,
        now: Timestamp,
    ) -> RefreshFamily {
        // Where the application has PINs, the first token is only good for being bound to one.
        let lifetime = if client.has_pins() {
            BINDING_TIME_TO_LIVE
        } else {
            client.policy().refresh_token_lifetime()
        };

        RefreshFamily {
            id: RefreshFamilyId::new(now, self.base.random.as_ref()),
            grant_id: grant.id,
            authenticator: None,
            jkt,
            generation: 0,
            issued_at: now,
            expires_at: now.after(lifetime).min(grant.expires_at),
        }
    }
}

/// The device on which nobody has logged in before.
fn first_use_of(client: &Client) -> Option<&DeviceId> {
    match client {
        Client::Device { device, .. } if device.unused_since.is_some() => Some(&device.id),
        Client::Device { .. } | Client::Web(_) => None,
    }
}
