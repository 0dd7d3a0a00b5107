//! Access tokens that are meant for this server itself (RFC 6750), and for whom they speak.

use std::sync::Arc;
use std::time::Duration;

use super::live::LiveTokens;
use super::persist;
use super::response::TokenType;
use crate::base::Base;
use crate::clock::Timestamp;
use crate::ids::{DeviceId, GrantId, UserId};
use crate::jose::dpop::DpopExpectation;
use crate::oauth::error::{ProofRefusal, log_unavailable};
use crate::oauth::issuer::Issuer;
use crate::oauth::model::{AccessToken, LiveAccessToken};
use crate::oauth::{dpop, replay};
use crate::store::StoreError;

/// The bearer of a device's access token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearer {
    /// The device the token was issued to.
    pub device_id: DeviceId,
    /// `None` for the device's own token.
    pub user_id: Option<UserId>,
    /// The log-in that the user's token rests on.
    pub log_in: Option<BearerLogIn>,
    /// The scopes, separated by spaces.
    pub scope: String,
}

/// The log-in that a user's token rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BearerLogIn {
    grant_id: GrantId,
    /// When the user was authenticated.
    time: Timestamp,
}

/// Why a token was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BearerError {
    /// Unknown, expired or revoked, or the device's version is disabled. `401`.
    #[error("The access token is unknown, expired or revoked.")]
    InvalidToken,
    /// The token is bound to a key that the request does not prove, or is not bound and was
    /// presented as if it were. `401`.
    #[error("{0}")]
    InvalidDpopProof(#[from] ProofRefusal),
    /// It does not allow this. `403`.
    #[error("The access token must have the scope `{0}`.")]
    InsufficientScope(&'static str),
    /// The database is out of reach, or overloaded. `503`.
    #[error("The server is busy or its database is out of reach; try again shortly.")]
    Unavailable,
}

impl From<StoreError> for BearerError {
    fn from(error: StoreError) -> Self {
        log_unavailable(&error);
        Self::Unavailable
    }
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
    /// Presented without a proof (RFC 6750 §2.1).
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

/// Authenticates those who present an access token to this server.
pub struct Bearers {
    pub(super) base: Base,
    issuer: Issuer,
    tokens: Arc<LiveTokens>,
}

impl Bearers {
    pub(crate) fn new(base: &Base, issuer: Issuer, tokens: Arc<LiveTokens>) -> Self {
        Self {
            base: base.clone(),
            issuer,
            tokens,
        }
    }

    /// Finds out for which device an access token speaks. Tokens of web clients, and those for a
    /// resource server, are refused.
    pub async fn authenticate(
        &self,
        presented: &PresentedToken<'_>,
    ) -> Result<Bearer, BearerError> {
        let live = self.find(presented).await?;
        let (token, authentication) = (live.token, live.authentication);
        if token.client.application_id.is_none() {
            return Err(refused(
                Some(&token),
                "it is a web client's, not a device's",
            ));
        }

        Ok(Bearer {
            device_id: DeviceId::new(&token.client.id).map_err(|_| BearerError::InvalidToken)?,
            log_in: token
                .user
                .as_ref()
                .zip(authentication)
                .map(|(user, known)| BearerLogIn {
                    grant_id: user.grant_id,
                    time: known.time,
                }),
            user_id: token.user.map(|user| user.user_id),
            scope: token.scope,
        })
    }

    /// Whether the user has logged in, or has proved the PIN, at most `max_age` ago: whoever has got hold
    /// of a token has not (RFC 8252 §8.6).
    pub async fn is_fresh(
        &self,
        log_in: &BearerLogIn,
        max_age: Duration,
    ) -> Result<bool, BearerError> {
        let since = self.base.clock.now().before(max_age);
        if since <= log_in.time {
            return Ok(true);
        }

        // Each use of a refresh token that a PIN protects takes a proof of it.
        let used = persist::last_use_with_pin(&self.base.store, log_in.grant_id).await?;
        Ok(used.is_some_and(|used| since <= used))
    }

    /// A token that is meant for this server itself and was presented as it has to be.
    pub(super) async fn find(
        &self,
        presented: &PresentedToken<'_>,
    ) -> Result<LiveAccessToken, BearerError> {
        let Some(live) = self.tokens.find_access_token(presented.text).await? else {
            return Err(refused(
                None,
                "it is unknown, expired or revoked, or its device may not go on",
            ));
        };
        let token = &live.token;

        // A resource server could otherwise use here, in its users' names, the tokens that it is given
        // (RFC 9700 §2.3).
        if let Some(server) = &token.resource_server {
            let reason = format!("it is for the resource server {server:?}, not for this server");
            return Err(refused(Some(token), &reason));
        }

        // A bound token that is presented without its key was stolen.
        match (presented.scheme, &token.jkt) {
            (TokenType::Bearer, None) => {}
            (TokenType::Dpop, Some(jkt)) => {
                let possession = self.check_possession(presented, jkt).await;
                possession.inspect_err(|error| log_refusal(Some(token), &error.to_string()))?;
            }
            (TokenType::Bearer, Some(_)) => {
                return Err(refused(
                    Some(token),
                    "it is bound to a key, and was sent as Bearer",
                ));
            }
            (TokenType::Dpop, None) => {
                return Err(refused(
                    Some(token),
                    "it is bound to no key, and was sent as DPoP",
                ));
            }
        }

        Ok(live)
    }

    /// The request must prove the key the token is bound to, with a proof that is used up by that
    /// (RFC 9449 §7).
    async fn check_possession(
        &self,
        presented: &PresentedToken<'_>,
        jkt: &str,
    ) -> Result<(), BearerError> {
        let proof = presented.proof.ok_or(ProofRefusal::Missing)?;

        let expected = DpopExpectation {
            method: presented.method,
            url: &self.issuer.at(presented.path),
            access_token: Some(presented.text),
            now: self.base.clock.now(),
        };

        let key = dpop::verify(&self.base, proof, &expected)?;
        if key.jkt != jkt {
            return Err(BearerError::InvalidToken);
        }

        if replay::record(&self.base.store, key.used).await? {
            Ok(())
        } else {
            Err(ProofRefusal::Replayed.into())
        }
    }
}

fn refused(token: Option<&AccessToken>, reason: &str) -> BearerError {
    log_refusal(token, reason);
    BearerError::InvalidToken
}

/// Why a token was not accepted: its bearer is not told.
fn log_refusal(token: Option<&AccessToken>, reason: &str) {
    let client_id = token.map(|token| token.client.id.as_str());
    tracing::info!(client_id, reason, "an access token was refused");
}
