//! Whom an access token speaks for (RFC 6750).

use super::super::dpop::ProofRefusal;
use super::super::error::log_unavailable;
use super::super::{TokenServer, persist};
use super::{TokenType, text};
use crate::ids::{ApplicationId, DeviceId, UserId};
use crate::jose::dpop::DpopExpectation;
use crate::secret::constant_time_eq;
use crate::settings::Platform;
use crate::store::StoreError;
use crate::store::rows::LiveAccessToken;

/// The bearer of an access token of an installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearer {
    /// The installation the token was issued to.
    pub device_id: DeviceId,
    /// The user, if it is a user's token.
    pub user_id: Option<UserId>,
    /// The scopes, separated by spaces.
    pub scope: String,
}

/// Why a token was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BearerError {
    /// Unknown, expired or revoked, or the installation may not go on. `401`.
    #[error("The access token is unknown, expired or revoked.")]
    InvalidToken,
    /// The token is bound to a key, which was not proved, or it is not and was presented as if it
    /// were. `401`.
    #[error("{0}")]
    InvalidDpopProof(#[from] ProofRefusal),
    /// It does not allow this. `403`.
    #[error("The access token must have the scope `{0}`.")]
    InsufficientScope(&'static str),
    /// The database is out of reach, or overloaded. `503`.
    #[error("The server is busy or its database is out of reach; try again shortly.")]
    Unavailable,
}

/// An access token as a request carries it.
#[derive(Clone, Copy)]
pub struct PresentedToken<'a> {
    /// The scheme of the `Authorization` header.
    pub scheme: TokenType,
    pub text: &'a str,
    /// The one `DPoP` header, if there is exactly one.
    pub proof: Option<&'a str>,
    /// The request's method, in upper case.
    pub method: &'a str,
    /// The request's path, below the server's public address.
    pub path: &'a str,
}

impl<'a> PresentedToken<'a> {
    /// Presented by whoever has it (RFC 6750 §2.1).
    #[must_use]
    pub const fn bearer(text: &'a str) -> Self {
        Self {
            scheme: TokenType::Bearer,
            text,
            proof: None,
            method: "",
            path: "",
        }
    }
}

impl From<StoreError> for BearerError {
    fn from(error: StoreError) -> Self {
        log_unavailable(&error);
        Self::Unavailable
    }
}

impl TokenServer {
    /// Finds out which installation an access token speaks for: one read, so that a token revoked
    /// on one node is refused on all. Tokens of web clients, and those for a resource server, are
    /// not for this server.
    pub async fn authenticate_bearer(&self, access_token: &str) -> Result<Bearer, BearerError> {
        self.authenticate(&PresentedToken::bearer(access_token))
            .await
    }

    /// The same, for a token that may be bound to a key (RFC 9449 §7).
    pub async fn authenticate(
        &self,
        presented: &PresentedToken<'_>,
    ) -> Result<Bearer, BearerError> {
        bearer(self.own_access_token(presented).await?).ok_or(BearerError::InvalidToken)
    }

    /// A token that is meant for this server itself and was presented as it has to be.
    pub(in crate::oauth) async fn own_access_token(
        &self,
        presented: &PresentedToken<'_>,
    ) -> Result<LiveAccessToken, BearerError> {
        let live = self.live_access_token(presented.text).await?;
        let live = live
            .filter(|live| live.token.resource_server.is_none())
            .ok_or(BearerError::InvalidToken)?;
        match (presented.scheme, &live.token.jkt) {
            (TokenType::Bearer, None) => {}
            (TokenType::Dpop, Some(jkt)) => self.check_possession(presented, jkt).await?,
            (TokenType::Bearer, Some(_)) | (TokenType::Dpop, None) => {
                return Err(BearerError::InvalidToken);
            }
        }
        Ok(live)
    }

    /// The request must prove the key the token is bound to, with a proof that is used up by that.
    async fn check_possession(
        &self,
        presented: &PresentedToken<'_>,
        jkt: &str,
    ) -> Result<(), BearerError> {
        let proof = presented.proof.ok_or(ProofRefusal::Missing)?;
        let url = format!("{}{}", self.0.issuer, presented.path);
        let expected = DpopExpectation {
            method: presented.method,
            url: &url,
            access_token: Some(presented.text),
            now: self.0.base.clock.now(),
        };
        let proven = self.prove_key(proof, &expected)?;
        if proven.jkt != jkt {
            return Err(BearerError::InvalidToken);
        }
        if persist::use_assertions(&self.0.base.store, vec![proven.used]).await? {
            Ok(())
        } else {
            Err(ProofRefusal::Replayed.into())
        }
    }

    /// The token of this text, if it is alive: neither expired nor revoked, alone or with what it
    /// rests on, and its installation may go on.
    pub(in crate::oauth) async fn live_access_token(
        &self,
        text: &str,
    ) -> Result<Option<LiveAccessToken>, StoreError> {
        let live = self.unrevoked_access_token(text).await?;
        Ok(live.filter(|live| self.is_good(live)))
    }

    /// Whether a token that was not revoked is good for anything: it has not expired, and its
    /// installation may go on.
    pub(super) fn is_good(&self, live: &LiveAccessToken) -> bool {
        self.0.base.clock.now().as_millis() < live.token.expires_at && self.may_go_on(live)
    }

    /// The token of this text, if it was not revoked. Whether it has expired is not looked at.
    pub(in crate::oauth) async fn unrevoked_access_token(
        &self,
        text: &str,
    ) -> Result<Option<LiveAccessToken>, StoreError> {
        let Some(id) = text::access_token_id(text) else {
            return Ok(None);
        };
        let Some(live) = self.0.access_tokens.find(id.to_vec()).await? else {
            return Ok(None);
        };
        let presented = text::access_token_hash(&self.0.base.keyring, text);
        let same = live
            .token
            .token_hash
            .as_deref()
            .is_some_and(|hash| constant_time_eq(hash, &presented));
        Ok((same || self.is_remade(text, &live).await?).then_some(live))
    }

    fn may_go_on(&self, live: &LiveAccessToken) -> bool {
        let Some(application) = &live.token.application_id else {
            return true;
        };
        let Some((version, platform)) = &live.installation else {
            return false;
        };
        let application = ApplicationId::new(application).ok();
        application
            .zip(Platform::from_name(platform))
            .is_some_and(|(application, platform)| {
                self.0
                    .base
                    .settings
                    .load()
                    .enabled_version(&application, platform, version)
                    .is_some()
            })
    }
}

fn bearer(live: LiveAccessToken) -> Option<Bearer> {
    live.token.application_id?;
    let device_id = DeviceId::new(&live.token.client_id).ok()?;
    let user_id = live
        .token
        .user_id
        .as_deref()
        .map(UserId::new)
        .transpose()
        .ok()?;
    Some(Bearer {
        device_id,
        user_id,
        scope: live.token.scope,
    })
}
