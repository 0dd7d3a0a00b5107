//! A user's tokens, for an authorization code (RFC 6749 §4.1.3, RFC 7636 §4.5).

use std::sync::Arc;

use super::client::{authenticate, check_grant_type};
use super::code::{self, CodeVerdict, IssuedGrant, PresentedCode};
use super::persist::{self, FoundCode};
use super::redemption::{Redeemed, Redemption};
use super::request::TokenRequest;
use crate::base::Base;
use crate::oauth::clients::{Client, Clients};
use crate::oauth::error::OAuthError;
use crate::oauth::model::AuthorizationState;
use crate::oauth::tokens::TokenResponse;
use crate::secret::{SecretString, TokenHash, TokenKind};
use crate::settings::GrantType;
use crate::users::events::EventType;

pub(super) struct AuthorizationCodeGrant {
    pub(super) base: Base,
    pub(super) clients: Arc<Clients>,
    pub(super) redemption: Arc<Redemption>,
}

impl AuthorizationCodeGrant {
    pub(super) async fn exchange(
        &self,
        request: &TokenRequest,
    ) -> Result<TokenResponse, OAuthError> {
        let Some(code) = &request.code else {
            return Err(OAuthError::InvalidRequest("code: is required."));
        };

        let authenticated = authenticate(&self.clients, request).await?;
        check_grant_type(&authenticated.client, GrantType::AuthorizationCode)?;

        // Found out before anything is written: what was forgotten costs no code.
        if request.code_verifier.is_none() && authenticated.client.must_use_pkce() {
            self.clients.use_up(authenticated.used).await?;
            return Err(OAuthError::InvalidRequest("code_verifier: is required."));
        }
        let has_many = authenticated.client.redirect_uris().len() > 1;
        if request.redirect_uri.is_none() && has_many {
            self.clients.use_up(authenticated.used).await?;
            return Err(OAuthError::InvalidRequest("redirect_uri: is required."));
        }

        let Base { store, keyring, .. } = &self.base;
        let hash = keyring.token_hash(TokenKind::AuthorizationCode, code.expose());
        // The assertion is recorded even so. Otherwise whoever sees one could try code after code
        // with it.
        let Some(found) = persist::find_code(store, hash).await? else {
            self.clients.use_up(authenticated.used).await?;
            return Err(OAuthError::InvalidGrant);
        };
        let FoundCode {
            authorization,
            profile_id,
        } = found;

        let presented = PresentedCode {
            client_id: authenticated.client.id(),
            redirect_uri: request.redirect_uri.as_deref(),
            code_verifier: request.code_verifier.as_ref().map(SecretString::expose),
            jkt: authenticated.jkt.as_deref(),
        };

        match code::decide(authorization, &presented, self.base.clock.now()) {
            CodeVerdict::Redeem(approval) => {
                let redeemed = self.redemption.redeem(request, authenticated, approval);
                match redeemed.await? {
                    Redeemed::Issued(response) => {
                        return Ok(TokenResponse {
                            profile_id,
                            ..response
                        });
                    }
                    // Somebody presented it since it was read: this is the second use.
                    Redeemed::UsedBefore(client) => self.revoke_issued(&client, hash).await?,
                }
            }
            // In one commit with the assertion: no second request comes in between.
            CodeVerdict::Burn(id) => persist::burn_code(store, authenticated.used, id).await?,
            // The assertion must be new: a replayed request is no second use of the code.
            CodeVerdict::Revoke(issued) => {
                self.clients.use_up(authenticated.used).await?;
                self.revoke(&authenticated.client, issued).await?;
            }
            CodeVerdict::Refuse => self.clients.use_up(authenticated.used).await?,
        }

        Err(OAuthError::InvalidGrant)
    }

    /// Revokes what a code was exchanged for by another request.
    async fn revoke_issued(&self, client: &Client, code: TokenHash) -> Result<(), OAuthError> {
        let found = persist::find_code(&self.base.store, code).await?;
        let state = found.map(|found| found.authorization.state);

        match state {
            Some(AuthorizationState::Redeemed { grant_id, user_id }) => {
                let issued = IssuedGrant {
                    id: grant_id,
                    user_id,
                };
                self.revoke(client, issued).await
            }
            _ => Ok(()),
        }
    }

    /// Revokes what a code was exchanged for, because it came a second time (RFC 6749 §4.1.2).
    async fn revoke(&self, client: &Client, issued: IssuedGrant) -> Result<(), OAuthError> {
        let event = client.event(
            EventType::TokenRequestInvalidAccessGrant,
            Some(&issued.user_id),
            self.base.clock.now(),
            self.base.random.as_ref(),
        );

        Ok(persist::revoke_grant(&self.base.store, issued.id, event).await?)
    }
}
