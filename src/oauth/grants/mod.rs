//! The token endpoint (RFC 6749 §3.2): what a token is issued for, one file for each grant.
//!
//! - `client` says who asks, `request` what for.
//! - `code` and `poll` decide whether a code, or an appliance's code, is exchanged; `redemption`
//!   exchanges both.
//! - `refresh_token` rotates, `proof` has the token's authenticator prove that it is there,
//!   `binding` gives a token that an authenticator protects.
//! - `token_exchange` gives a token for another resource server.

mod approval;
mod authorization_code;
mod binding;
mod client;
mod client_credentials;
mod code;
mod device_code;
mod persist;
mod poll;
mod presented;
mod proof;
mod redemption;
mod refresh_token;
mod request;
mod token_exchange;

use std::sync::Arc;

use super::clients::Clients;
use super::error::OAuthError;
use super::keys::SigningKeys;
use super::tokens::{Issuance, LiveTokens, TokenResponse};
use crate::base::Base;
use crate::devices::Devices;
use crate::users::Users;
use authorization_code::AuthorizationCodeGrant;
use binding::Binding;
use client_credentials::ClientCredentialsGrant;
use device_code::DeviceCodeGrant;
use proof::AuthenticatorProofs;
use redemption::Redemption;
use refresh_token::RefreshTokenGrant;
use token_exchange::TokenExchangeGrant;

pub use request::TokenRequest;

/// The token endpoint.
pub struct Grants {
    keys: Arc<SigningKeys>,
    client_credentials: ClientCredentialsGrant,
    authorization_code: AuthorizationCodeGrant,
    device_code: DeviceCodeGrant,
    refresh_token: RefreshTokenGrant,
    token_exchange: TokenExchangeGrant,
}

/// What the grants are made from.
pub(super) struct GrantParts<'a> {
    pub(super) base: &'a Base,
    pub(super) users: Users,
    pub(super) devices: Devices,
    pub(super) keys: &'a Arc<SigningKeys>,
    pub(super) clients: &'a Arc<Clients>,
    pub(super) tokens: &'a Arc<LiveTokens>,
    pub(super) issuance: &'a Arc<Issuance>,
}

impl Grants {
    pub(super) fn new(parts: GrantParts<'_>) -> Self {
        let GrantParts {
            base,
            clients,
            issuance,
            ..
        } = parts;

        let redemption = Arc::new(Redemption {
            base: base.clone(),
            clients: clients.clone(),
            users: parts.users,
            issuance: issuance.clone(),
        });

        Self {
            keys: parts.keys.clone(),
            client_credentials: ClientCredentialsGrant {
                base: base.clone(),
                clients: clients.clone(),
                issuance: issuance.clone(),
            },
            authorization_code: AuthorizationCodeGrant {
                base: base.clone(),
                clients: clients.clone(),
                redemption: redemption.clone(),
            },
            device_code: DeviceCodeGrant {
                base: base.clone(),
                clients: clients.clone(),
                redemption,
            },
            token_exchange: TokenExchangeGrant {
                base: base.clone(),
                clients: clients.clone(),
                tokens: parts.tokens.clone(),
                issuance: issuance.clone(),
            },
            refresh_token: RefreshTokenGrant {
                base: base.clone(),
                clients: clients.clone(),
                tokens: parts.tokens.clone(),
                issuance: issuance.clone(),
                proofs: AuthenticatorProofs {
                    devices: parts.devices,
                },
                binding: Binding {
                    base: base.clone(),
                    clients: clients.clone(),
                    issuance: issuance.clone(),
                },
            },
        }
    }

    /// Answers a request to the token endpoint.
    pub async fn token(&self, request: &TokenRequest) -> Result<TokenResponse, OAuthError> {
        // Before a code or an assertion is used up for a token that could not be signed.
        self.keys.ensure().await?;

        match request.grant_type.as_str() {
            "client_credentials" => self.client_credentials.exchange(request).await,
            "authorization_code" => self.authorization_code.exchange(request).await,
            "urn:ietf:params:oauth:grant-type:device_code" => {
                self.device_code.exchange(request).await
            }
            "refresh_token" => self.refresh_token.exchange(request).await,
            "urn:ietf:params:oauth:grant-type:token-exchange" => {
                self.token_exchange.exchange(request).await
            }
            _ => Err(OAuthError::UnsupportedGrantType),
        }
    }
}
