//! New tokens for a refresh token (RFC 6749 §6), with the proof that its authenticator takes.

use std::sync::Arc;

use super::binding::Binding;
use super::client::{authenticate, check_grant_type, replayed};
use super::persist::{self, Refresh, Refreshed};
use super::presented::Presented;
use super::proof::AuthenticatorProofs;
use super::request::TokenRequest;
use crate::base::Base;
use crate::clock::Timestamp;
use crate::oauth::clients::{AuthenticatedClient, Clients};
use crate::oauth::error::OAuthError;
use crate::oauth::model::{LiveRefreshFamily, RefreshFamily};
use crate::oauth::tokens::{
    Issuance, LiveTokens, PresentedRefreshToken, Rotation, TokenResponse, decide_rotation,
    refresh_token,
};
use crate::secret::SecretString;
use crate::settings::GrantType;
use crate::users::events::EventType;

/// How often another request may be faster with the same token. From the second time on there is a
/// successor to be repeated.
const RACES_MAX: usize = 4;

pub(super) struct RefreshTokenGrant {
    pub(super) base: Base,
    pub(super) clients: Arc<Clients>,
    pub(super) tokens: Arc<LiveTokens>,
    pub(super) issuance: Arc<Issuance>,
    pub(super) proofs: AuthenticatorProofs,
    pub(super) binding: Binding,
}

impl RefreshTokenGrant {
    pub(super) async fn exchange(
        &self,
        request: &TokenRequest,
    ) -> Result<TokenResponse, OAuthError> {
        let Some(text) = &request.refresh_token else {
            return Err(OAuthError::InvalidRequest("refresh_token: is required."));
        };

        let authenticated = authenticate(&self.clients, request).await?;
        check_grant_type(&authenticated.client, GrantType::RefreshToken)?;

        // A reused token is found out before its proof is looked at: it is stolen, proof or not.
        let mut presented = self.find(authenticated, text).await?;
        self.refuse_reuse(&presented).await?;

        self.proofs
            .check(&mut presented, text, request.proof.as_ref())
            .await?;

        if let Some(authenticator) = &request.authenticator {
            return self
                .binding
                .exchange(request, presented, authenticator)
                .await;
        }

        if presented.must_be_bound() {
            self.clients.use_up(presented.used).await?;
            return Err(OAuthError::UnboundRefreshToken);
        }

        // Parallel requests with the same token all get the same successor.
        for _ in 0..RACES_MAX {
            if let Some(response) = self.refresh(request, &mut presented).await? {
                return Ok(response);
            }
            self.reload(&mut presented).await?;
        }

        Err(OAuthError::Unavailable)
    }

    /// The family of a token, if it was not revoked and is this client's.
    async fn find(
        &self,
        authenticated: AuthenticatedClient,
        text: &SecretString,
    ) -> Result<Presented, OAuthError> {
        let AuthenticatedClient { client, used, jkt } = authenticated;
        let token = PresentedRefreshToken::parse(&self.base.keyring, text.expose());
        let live = match token {
            Some(token) => self.tokens.find_refresh_family(token.family).await?,
            None => None,
        };

        let is_theirs = |live: &LiveRefreshFamily| {
            // Whoever has the token of a public client and not its key gets nothing (RFC 9449 §5).
            let is_same_key = live.family.jkt.is_none() || live.family.jkt == jkt;
            live.grant.client.id == client.id() && is_same_key
        };
        let (Some(token), Some(live)) = (token, live.filter(is_theirs)) else {
            self.clients.use_up(used).await?;
            return Err(OAuthError::InvalidGrant);
        };

        Ok(Presented {
            client,
            live,
            generation: token.generation,
            used,
            jkt,
        })
    }

    /// Reads the family again, after another request was faster.
    async fn reload(&self, presented: &mut Presented) -> Result<(), OAuthError> {
        let id = presented.live.family.id;
        presented.live = self
            .tokens
            .find_refresh_family(id)
            .await?
            .ok_or(OAuthError::InvalidGrant)?;

        self.refuse_reuse(presented).await
    }

    fn rotation(&self, presented: &Presented) -> Rotation {
        let grace = self.base.settings.load().tokens.refresh_grace();
        let now = self.base.clock.now();

        decide_rotation(&presented.live.family, presented.generation, grace, now)
    }

    /// A token that was used before takes with it everything that rests on its grant.
    async fn refuse_reuse(&self, presented: &Presented) -> Result<(), OAuthError> {
        let rotation = self.rotation(presented);
        if matches!(rotation, Rotation::Rotate | Rotation::Repeat) {
            return Ok(());
        }

        // Whoever replays somebody else's assertion revokes nothing.
        self.clients.use_up(presented.used.clone()).await?;

        if rotation == Rotation::Reused {
            let grant = &presented.live.grant;
            let event = presented.client.event(
                EventType::TokenRequestInvalidRefreshToken,
                Some(&grant.login.user_id),
                self.base.clock.now(),
                self.base.random.as_ref(),
            );

            persist::revoke_grant(&self.base.store, grant.id, event).await?;
        }

        Err(OAuthError::InvalidGrant)
    }

    /// `None` where another request was faster: the family has to be read again.
    async fn refresh(
        &self,
        request: &TokenRequest,
        presented: &mut Presented,
    ) -> Result<Option<TokenResponse>, OAuthError> {
        let Base {
            store,
            settings,
            clock,
            random,
            keyring,
            ..
        } = &self.base;

        let access_token = presented.access_token(&self.issuance, &settings.load(), request)?;
        let LiveRefreshFamily { family, grant, .. } = &presented.live;
        let client = &presented.client;

        let now = clock.now();
        // Decided again: this may be another round, with a family that was just read, and the grace
        // period may have ended.
        let successor = match self.rotation(presented) {
            Rotation::Rotate => Some(rotated(presented, now)),
            Rotation::Repeat => None,
            Rotation::Reused | Rotation::Expired => return Err(OAuthError::InvalidGrant),
        };

        let text = access_token.text.expose();
        let id_token = self.issuance.id_token(client, grant, None, text)?;

        let refresh = Refresh {
            used: presented.used.clone(),
            family,
            successor: successor.as_ref(),
            grant,
            access_token: &access_token,
            event: client.event(
                EventType::TokenRequestAccessTokenRefreshed,
                Some(&grant.login.user_id),
                now,
                random.as_ref(),
            ),
        };

        match persist::refresh(store, refresh).await? {
            Refreshed::Issued => {}
            Refreshed::Replayed => return Err(replayed(request)),
            Refreshed::Overtaken => {
                // They were recorded all the same.
                presented.used.take();
                return Ok(None);
            }
        }

        // A rotation is refused where the family has ended. A repetition changes no row that could
        // tell.
        let token = access_token.token.id;
        if successor.is_none() && !persist::confirm_repetition(store, family, token).await? {
            return Err(OAuthError::InvalidGrant);
        }

        let last = successor.as_ref().unwrap_or(family);

        Ok(Some(TokenResponse {
            refresh_token: Some(refresh_token(keyring, last)),
            id_token,
            ..TokenResponse::new(access_token)
        }))
    }
}

/// The family after a rotation.
fn rotated(presented: &Presented, now: Timestamp) -> RefreshFamily {
    let LiveRefreshFamily { family, grant, .. } = &presented.live;
    let lifetime = presented.client.policy().refresh_token_lifetime();

    RefreshFamily {
        generation: family.generation.saturating_add(1),
        issued_at: now,
        expires_at: now.after(lifetime).min(grant.expires_at),
        ..family.clone()
    }
}
