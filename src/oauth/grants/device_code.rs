//! A user's tokens on an appliance, for a code whose user has been asked elsewhere (RFC 8628 §3.4).

use std::sync::Arc;
use std::time::Duration;

use super::client::{authenticate, check_grant_type};
use super::persist;
use super::poll::{self, PollVerdict};
use super::redemption::{Redeemed, Redemption};
use super::request::TokenRequest;
use crate::base::Base;
use crate::oauth::clients::Clients;
use crate::oauth::error::OAuthError;
use crate::oauth::model::DeviceCode;
use crate::oauth::tokens::TokenResponse;
use crate::secret::TokenKind;
use crate::settings::GrantType;

pub(super) struct DeviceCodeGrant {
    pub(super) base: Base,
    pub(super) clients: Arc<Clients>,
    pub(super) redemption: Arc<Redemption>,
}

impl DeviceCodeGrant {
    pub(super) async fn exchange(
        &self,
        request: &TokenRequest,
    ) -> Result<TokenResponse, OAuthError> {
        let Some(device_code) = &request.device_code else {
            return Err(OAuthError::InvalidRequest("device_code: is required."));
        };

        let authenticated = authenticate(&self.clients, request).await?;
        check_grant_type(&authenticated.client, GrantType::DeviceCode)?;

        let Base {
            store,
            keyring,
            clock,
            ..
        } = &self.base;

        let hash = keyring.token_hash(TokenKind::DeviceCode, device_code.expose());
        let Some(code) = persist::find_device_code(store, hash).await? else {
            self.clients.use_up(authenticated.used).await?;
            return Err(OAuthError::InvalidGrant);
        };

        let verdict = poll::decide(&code, authenticated.client.id(), clock.now());
        if let PollVerdict::Redeem(approval) = verdict {
            let redeemed = self.redemption.redeem(request, authenticated, approval);
            return match redeemed.await? {
                Redeemed::Issued(response) => Ok(response),
                // Nothing is revoked: the code was never in a browser, and an appliance may poll
                // twice at once.
                Redeemed::UsedBefore(_) => Err(OAuthError::InvalidGrant),
            };
        }

        // Every poll takes an assertion of its own, whatever the answer.
        self.clients.use_up(authenticated.used).await?;

        Err(match verdict {
            PollVerdict::Pending => {
                self.wait(&code, code.interval, OAuthError::AuthorizationPending)
                    .await?
            }
            PollVerdict::SlowDown(interval) => {
                self.wait(&code, interval, OAuthError::SlowDown).await?
            }
            PollVerdict::Denied => OAuthError::AccessDenied,
            PollVerdict::Expired => OAuthError::ExpiredToken,
            PollVerdict::Refuse | PollVerdict::Redeem(_) => OAuthError::InvalidGrant,
        })
    }

    /// Notes that the appliance has polled; gives what it is told. Of two polls at once, one is too
    /// early.
    async fn wait(
        &self,
        code: &DeviceCode,
        interval: Duration,
        answer: OAuthError,
    ) -> Result<OAuthError, OAuthError> {
        let Base { store, clock, .. } = &self.base;
        let is_first = persist::note_poll(store, code, clock.now(), interval).await?;

        Ok(if is_first {
            answer
        } else {
            OAuthError::SlowDown
        })
    }
}
