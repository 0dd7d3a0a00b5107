//! A token for another resource server, in exchange for one that the client was given (RFC 8693).
//!
//! An API that has to ask another one for its caller gets a token of its own for that: of the same
//! user, with no more scopes, and naming in `act` who acts. It rests on the same grant, so that it ends
//! with the user's log-in, and does not outlive the token that it was given for.

use std::sync::Arc;

use super::client::{authenticate_confidential, replayed};
use super::persist;
use super::request::TokenRequest;
use crate::base::Base;
use crate::oauth::clients::{AuthenticatedClient, Client, Clients};
use crate::oauth::error::OAuthError;
use crate::oauth::model::LiveAccessToken;
use crate::oauth::scope::Requested;
use crate::oauth::tokens::{Issuance, Issue, LiveTokens, RestsOn, TokenResponse};
use crate::oauth::{resource, scope};
use crate::settings::{GrantType, Settings};
use crate::users::events::EventType;

const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// The most clients that act for each other, one for the next.
const ACTORS_MAX: usize = 8;

const NOT_USABLE: OAuthError = OAuthError::InvalidRequest(
    "subject_token: is not the token of a user that this server has issued, or has expired or was revoked.",
);

pub(super) struct TokenExchangeGrant {
    pub(super) base: Base,
    pub(super) clients: Arc<Clients>,
    pub(super) tokens: Arc<LiveTokens>,
    pub(super) issuance: Arc<Issuance>,
}

impl TokenExchangeGrant {
    pub(super) async fn exchange(
        &self,
        request: &TokenRequest,
    ) -> Result<TokenResponse, OAuthError> {
        let grant_type = GrantType::TokenExchange;
        let AuthenticatedClient { client, used, jkt } =
            authenticate_confidential(&self.clients, request, grant_type).await?;

        let subject = self.subject(request).await?;
        let (Some(user), Some(authentication)) =
            (&subject.token.user, subject.authentication.as_ref())
        else {
            return Err(NOT_USABLE);
        };

        let settings = self.base.settings.load();
        let resource_server = resource::requested(&settings, &client, target(request)?)?;
        let scope = narrowed(request, &subject, &client, &settings)?;

        let token = self.issuance.access_token(Issue {
            client: &client,
            on: Some(RestsOn {
                user: user.clone(),
                authentication,
                expires_at: subject.token.expires_at,
            }),
            scope: &scope,
            resource_server: resource_server.as_deref(),
            jkt,
            actors: actors(&client, &subject)?,
        })?;

        let event = client.event(
            EventType::TokenRequestAccessTokenCreated,
            Some(&user.user_id),
            self.base.clock.now(),
            self.base.random.as_ref(),
        );

        if !persist::issue_without_refresh(&self.base.store, used, &token, event).await? {
            return Err(replayed(request));
        }

        Ok(TokenResponse {
            issued_token_type: Some(ACCESS_TOKEN),
            ..TokenResponse::new(token)
        })
    }

    /// The token that is presented, which must be a user's and alive.
    async fn subject(&self, request: &TokenRequest) -> Result<LiveAccessToken, OAuthError> {
        let text = request.subject_token.as_ref();
        let text = text.ok_or(OAuthError::InvalidRequest("subject_token: is required."))?;

        match request.subject_token_type.as_deref() {
            // All access tokens are recognised by their text, JWTs among them.
            Some(ACCESS_TOKEN | JWT) => {}
            None => {
                return Err(OAuthError::InvalidRequest(
                    "subject_token_type: is required.",
                ));
            }
            Some(_) => {
                return Err(OAuthError::InvalidRequest(
                    "subject_token_type: must be urn:ietf:params:oauth:token-type:access_token.",
                ));
            }
        }

        if !matches!(
            request.requested_token_type.as_deref(),
            None | Some(ACCESS_TOKEN)
        ) {
            return Err(OAuthError::InvalidRequest(
                "requested_token_type: must be urn:ietf:params:oauth:token-type:access_token.",
            ));
        }

        if request.actor_token.is_some() {
            return Err(OAuthError::InvalidRequest(
                "actor_token: is not supported; the client itself is the actor.",
            ));
        }

        let found = self.tokens.find_access_token(text.expose()).await?;
        found.ok_or(NOT_USABLE)
    }
}

/// The resource server that is named, in one of two parameters (RFC 8693 §2.1).
fn target(request: &TokenRequest) -> Result<Option<&str>, OAuthError> {
    match (request.resource.as_deref(), request.audience.as_deref()) {
        (Some(resource), Some(audience)) if resource != audience => Err(OAuthError::InvalidTarget),
        (None, None) => Err(OAuthError::InvalidRequest(
            "resource: is required: the audience of the resource server that the token is for.",
        )),
        (resource, audience) => Ok(resource.or(audience)),
    }
}

/// The scopes that are requested, or else all, of those that both the token and the client have.
fn narrowed(
    request: &TokenRequest,
    subject: &LiveAccessToken,
    client: &Client,
    settings: &Settings,
) -> Result<String, OAuthError> {
    let had = &subject.token.scope;
    let may_have = |name: &str| scope::contains(had, name) && client.may_have(name);
    let all = || {
        let both = had.split(' ').filter(|name| may_have(name));
        both.collect::<Vec<_>>().join(" ")
    };

    let scope = scope::decide(request.scope.as_deref(), all, |name| {
        Requested::of(name, may_have(name), settings)
    })?;

    if scope.is_empty() {
        Err(OAuthError::InvalidScope)
    } else {
        Ok(scope)
    }
}

/// Who acts for the user: this client, before it those that the token has come through.
fn actors(client: &Client, subject: &LiveAccessToken) -> Result<Vec<String>, OAuthError> {
    let before = &subject.token.actors;
    if before.len() >= ACTORS_MAX {
        return Err(OAuthError::InvalidRequest(
            "subject_token: was exchanged too often.",
        ));
    }

    let this = [client.id().to_owned()];
    Ok(this.into_iter().chain(before.iter().cloned()).collect())
}
