//! A refresh token that an authenticator protects, for one that was presented and proven.
//!
//! The token presented stays as it is. Asked again, the answer is the same token: an answer that
//! was lost costs nothing.

use std::sync::Arc;

use super::client::replayed;
use super::persist::{self, Refresh, Refreshed};
use super::presented::Presented;
use super::request::TokenRequest;
use crate::base::Base;
use crate::devices::AuthenticatorName;
use crate::ids::RefreshFamilyId;
use crate::oauth::clients::Clients;
use crate::oauth::error::OAuthError;
use crate::oauth::model::{LiveRefreshFamily, RefreshFamily};
use crate::oauth::tokens::{Issuance, TokenResponse, refresh_token};
use crate::users::events::EventType;

/// Binds refresh tokens to authenticators.
pub(super) struct Binding {
    pub(super) base: Base,
    pub(super) clients: Arc<Clients>,
    pub(super) issuance: Arc<Issuance>,
}

impl Binding {
    pub(super) async fn exchange(
        &self,
        request: &TokenRequest,
        presented: Presented,
        authenticator: &str,
    ) -> Result<TokenResponse, OAuthError> {
        let authenticator: AuthenticatorName = authenticator.parse().map_err(|_| {
            OAuthError::InvalidRequest(
                "authenticator: must be `pin`, `fingerprint` or `custom:ID`.",
            )
        })?;

        // Any other authenticator would be a way around the PIN, for whoever holds the phone after
        // a login.
        if presented.must_be_bound() && authenticator != AuthenticatorName::Pin {
            self.clients.use_up(presented.used).await?;
            return Err(OAuthError::UnboundRefreshToken);
        }

        let Base {
            store,
            settings,
            clock,
            random,
            keyring,
            ..
        } = &self.base;

        let access_token = presented.access_token(&self.issuance, &settings.load(), request)?;
        let grant = &presented.live.grant;

        // Where the answer was lost, the family exists already: its token is given again.
        let family = self.new_family(&presented, authenticator);
        let family = persist::find_or_add_family(store, family, grant).await?;
        let family = family.ok_or(OAuthError::AuthenticatorGone)?;

        let refresh = Refresh {
            used: presented.used,
            family: &presented.live.family,
            successor: None,
            grant,
            access_token: &access_token,
            event: presented.client.event(
                EventType::TokenRequestAccessTokenCreated,
                Some(&grant.login.user_id),
                clock.now(),
                random.as_ref(),
            ),
        };

        match persist::refresh(store, refresh).await? {
            Refreshed::Issued => {}
            Refreshed::Overtaken | Refreshed::Replayed => return Err(replayed(request)),
        }

        Ok(TokenResponse {
            refresh_token: Some(refresh_token(keyring, &family)),
            ..TokenResponse::new(access_token)
        })
    }

    fn new_family(&self, presented: &Presented, authenticator: AuthenticatorName) -> RefreshFamily {
        let now = self.base.clock.now();
        let LiveRefreshFamily { family, grant, .. } = &presented.live;
        let lifetime = presented.client.policy().refresh_token_lifetime();

        RefreshFamily {
            id: RefreshFamilyId::new(now, self.base.random.as_ref()),
            grant_id: grant.id,
            authenticator: Some(authenticator),
            // Bound to the same key: it must not be easier to use than the token that was presented
            // for it.
            jkt: family.jkt.clone(),
            generation: 0,
            issued_at: now,
            expires_at: now.after(lifetime).min(grant.expires_at),
        }
    }
}
