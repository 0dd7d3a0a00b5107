//! What a presented token is: found by the id in its text, recognised by its hash.

use std::sync::Arc;

use super::jwt::{self, Claims};
use super::persist::Tokens;
use super::{remade, text};
use crate::base::Base;
use crate::ids::RefreshFamilyId;
use crate::oauth::error::log_unavailable;
use crate::oauth::issuer::Issuer;
use crate::oauth::keys::SigningKeys;
use crate::oauth::model::{LiveAccessToken, LiveRefreshFamily};
use crate::oauth::resource;
use crate::secret::{SecretString, constant_time_eq};
use crate::settings::Settings;
use crate::store::StoreError;

/// Tokens that were not revoked, alone or with what they rest on.
///
/// Nothing is cached: each token is read when it is presented, so that what one node has revoked is
/// refused on all.
pub(crate) struct LiveTokens {
    base: Base,
    issuer: Issuer,
    keys: Arc<SigningKeys>,
    tokens: Tokens,
}

impl LiveTokens {
    pub(crate) fn new(base: &Base, issuer: Issuer, keys: Arc<SigningKeys>) -> Self {
        Self {
            base: base.clone(),
            issuer,
            keys,
            tokens: Tokens::new(&base.store),
        }
    }

    /// The access token of this text, if it can be used: it was not revoked, has not expired, and
    /// its device may go on.
    pub(crate) async fn find_access_token(
        &self,
        text: &str,
    ) -> Result<Option<LiveAccessToken>, StoreError> {
        let live = self.find_unrevoked(text).await?;
        Ok(live.filter(|live| self.is_usable(live)))
    }

    /// The access token of this text, if it was not revoked. It may have expired.
    pub(crate) async fn find_unrevoked(
        &self,
        text: &str,
    ) -> Result<Option<LiveAccessToken>, StoreError> {
        let Some(id) = text::access_token_id(text) else {
            return Ok(None);
        };
        let Some(live) = self.tokens.find_access_token(id).await? else {
            return Ok(None);
        };

        // The id is no secret: only the hash tells that this is the token.
        let presented = text::access_token_hash(&self.base.keyring, text);
        let is_issued = live
            .hash
            .as_deref()
            .is_some_and(|hash| constant_time_eq(hash, &presented));

        let is_recognised = is_issued || self.is_remade(text, &live).await?;
        Ok(is_recognised.then_some(live))
    }

    /// A family of refresh tokens, if it was not revoked. It may have expired.
    pub(crate) async fn find_refresh_family(
        &self,
        id: RefreshFamilyId,
    ) -> Result<Option<LiveRefreshFamily>, StoreError> {
        self.tokens.find_refresh_family(id).await
    }

    /// Signs the claims of a JWT again. `None` for an opaque token, for one that cannot be used or
    /// whose resource server is not configured any more, and where the signature fails.
    ///
    /// [`SigningKeys::ensure`] must have been called.
    pub(crate) fn remake(&self, live: &LiveAccessToken) -> Option<SecretString> {
        let algorithm = live.token.signing_algorithm?;

        // Whoever is shown the text could not use it, and a signature costs more than all the rest.
        if !self.is_usable(live) {
            return None;
        }

        let settings = self.base.settings.load();
        let claims = self.claims(&settings, live)?;
        let text = self.keys.sign(algorithm, jwt::TYPE, &claims).ok()?;
        Some(SecretString::new(text))
    }

    /// Whether a text is the JWT of this row, signed again.
    async fn is_remade(&self, text: &str, live: &LiveAccessToken) -> Result<bool, StoreError> {
        let Some(algorithm) = live.token.signing_algorithm else {
            return Ok(false);
        };

        // Another node may have signed it with a key that this one has not read yet.
        self.keys
            .ensure()
            .await
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;

        let settings = self.base.settings.load();
        let find_key = |kid: &str| self.keys.published_key(kid, algorithm);
        let claims = self.claims(&settings, live);
        Ok(claims.is_some_and(|claims| remade::says(text, &claims, find_key)))
    }

    /// `None` where the token's resource server is not configured any more.
    fn claims<'a>(
        &'a self,
        settings: &'a Settings,
        LiveAccessToken {
            token,
            authentication,
            ..
        }: &'a LiveAccessToken,
    ) -> Option<Claims<'a>> {
        let issuer = self.issuer.as_str();
        let server = token.resource_server.as_deref();
        let audience = resource::audience(settings, issuer, server)?;
        let server = server.and_then(|id| settings.resource_servers.get(id));

        let authentication = authentication.as_ref();
        let (keyring, user) = (&self.base.keyring, token.user_id());
        let user = jwt::user_claims(keyring, user, authentication, server.map(AsRef::as_ref));
        let user = user.inspect_err(|error| log_unavailable(&error.clone().into()));

        Some(Claims::of(
            token,
            authentication,
            user.ok()?,
            issuer,
            audience,
        ))
    }

    /// Whether a token that was not revoked has not expired either, and its device may go on.
    fn is_usable(&self, live: &LiveAccessToken) -> bool {
        self.base.clock.now() < live.token.expires_at && self.may_device_go_on(live)
    }

    fn may_device_go_on(&self, live: &LiveAccessToken) -> bool {
        let Some(application) = &live.token.client.application_id else {
            return true;
        };
        // It was deleted after the token was issued.
        let Some(device) = &live.device else {
            return false;
        };

        let settings = self.base.settings.load();

        settings
            .enabled_version(application, device.platform, &device.application_version)
            .is_some()
    }
}
