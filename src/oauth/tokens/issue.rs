//! Making tokens.

use std::sync::Arc;

use super::jwt::{self, Claims};
use super::response::IssuedToken;
use super::text;
use crate::base::Base;
use crate::clock::Timestamp;
use crate::ids::AccessTokenId;
use crate::oauth::clients::Client;
use crate::oauth::error::OAuthError;
use crate::oauth::issuer::Issuer;
use crate::oauth::keys::SigningKeys;
use crate::oauth::model::{AccessToken, Authentication, Grant, TokenUser};
use crate::oauth::scope;
use crate::settings::{ResourceServer, TokenFormat};
use crate::store::StoreError;

/// What an access token is issued for.
pub(crate) struct Issue<'a> {
    pub(crate) client: &'a Client,
    /// What a user's token rests on; `None` for a client's own.
    pub(crate) on: Option<RestsOn<'a>>,
    /// Before it is narrowed to what the resource server takes.
    pub(crate) scope: &'a str,
    pub(crate) resource_server: Option<&'a ResourceServer>,
    /// The thumbprint of the key it is bound to.
    pub(crate) jkt: Option<String>,
    /// See [`AccessToken::actors`].
    pub(crate) actors: Vec<String>,
}

/// What the token of a user rests on.
pub(crate) struct RestsOn<'a> {
    pub(crate) user: TokenUser,
    pub(crate) authentication: &'a Authentication,
    /// The token does not live longer.
    pub(crate) expires_at: Timestamp,
}

impl<'a> From<&'a Grant> for RestsOn<'a> {
    fn from(grant: &'a Grant) -> Self {
        Self {
            user: TokenUser {
                grant_id: grant.id,
                user_id: grant.login.user_id.clone(),
            },
            authentication: &grant.login.authentication,
            expires_at: grant.expires_at,
        }
    }
}

/// Makes access tokens and ID tokens.
pub(crate) struct Issuance {
    pub(super) base: Base,
    pub(super) issuer: Issuer,
    pub(super) keys: Arc<SigningKeys>,
}

impl Issuance {
    pub(crate) fn new(base: &Base, issuer: Issuer, keys: Arc<SigningKeys>) -> Self {
        Self {
            base: base.clone(),
            issuer,
            keys,
        }
    }

    /// A new access token. It lives as long as the policy says, and not longer than what it rests on.
    pub(crate) fn access_token(&self, issue: Issue<'_>) -> Result<IssuedToken, OAuthError> {
        let Issue {
            client,
            on,
            scope,
            resource_server,
            jkt,
            actors,
        } = issue;

        let (now, random) = (self.base.clock.now(), self.base.random.as_ref());
        let policy = client.policy().for_resource_server(resource_server);
        let expires_at = now.after(policy.access_token_lifetime());

        let token = AccessToken {
            id: AccessTokenId::new(now, random),
            client: client.to_ref(),
            user: on.as_ref().map(|on| on.user.clone()),
            scope: scope::for_resource_server(scope, resource_server)?,
            resource_server: resource_server.map(|server| server.id.clone()),
            jkt,
            actors,
            signing_algorithm: match policy.access_token_format {
                TokenFormat::Opaque => None,
                TokenFormat::Jwt => Some(policy.access_token_algorithm()),
            },
            issued_at: now,
            // The grant's row goes when it expires, and the token with it: no client shall count on
            // more.
            expires_at: on
                .as_ref()
                .map_or(expires_at, |on| expires_at.min(on.expires_at)),
        };

        // A JWT says what the row says, so the row comes first.
        let text = match token.signing_algorithm {
            None => text::new_access_token(token.id, random),
            Some(algorithm) => {
                let authentication = on.as_ref().map(|on| on.authentication);
                let issuer = self.issuer.as_str();
                let audience = resource_server.map_or(issuer, |server| &server.audience);
                let (keyring, user) = (&self.base.keyring, token.user_id());
                let user = jwt::user_claims(keyring, user, authentication, resource_server);
                let user = user.map_err(StoreError::from)?;
                let claims = Claims::of(&token, authentication, user, issuer, audience);
                self.keys.sign(algorithm, jwt::TYPE, &claims)?.into()
            }
        };

        Ok(IssuedToken {
            hash: text::access_token_hash(&self.base.keyring, text.expose()),
            lifetime: token.expires_at.since(now),
            text,
            token,
        })
    }
}
