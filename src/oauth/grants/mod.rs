//! What a token is issued for: one file for each grant.

mod authorization_code;
mod bind;
mod client_credentials;
mod device_code;
mod refresh_token;

use std::sync::Arc;

pub(super) use refresh_token::DEFAULT as NO_AUTHENTICATOR;

use super::clients::{Client, Credentials};
use super::dpop::ProofRefusal;
use super::{OAuthError, TokenResponse, TokenServer};
use crate::secret::SecretString;
use crate::settings::{GrantType, ResourceServer};

/// A request to the token endpoint (RFC 6749 §3.2), its parameters as they came.
#[derive(Clone, Debug)]
pub struct TokenRequest {
    pub credentials: Credentials,
    /// `grant_type`.
    pub grant_type: String,
    /// `scope`: `client_credentials`, `refresh_token`.
    pub scope: Option<String>,
    /// `resource`: the one the token is for (RFC 8707).
    pub resource: Option<String>,
    /// `code`: `authorization_code`.
    pub code: Option<SecretString>,
    /// `redirect_uri`: `authorization_code`.
    pub redirect_uri: Option<String>,
    /// `code_verifier`: `authorization_code`.
    pub code_verifier: Option<SecretString>,
    /// `device_code`: `urn:ietf:params:oauth:grant-type:device_code`.
    pub device_code: Option<SecretString>,
    /// `refresh_token`: `refresh_token`.
    pub refresh_token: Option<SecretString>,
    /// `proof`: `refresh_token`, by the key of the authenticator the token belongs to.
    pub proof: Option<SecretString>,
    /// `authenticator`: `refresh_token`, to get one that belongs to this authenticator.
    pub authenticator: Option<String>,
    /// The `DPoP` header (RFC 9449 §5).
    pub dpop: Option<SecretString>,
}

impl TokenRequest {
    /// A request without any parameter but these.
    #[must_use]
    pub fn new(credentials: Credentials, grant_type: impl Into<String>) -> Self {
        Self {
            credentials,
            grant_type: grant_type.into(),
            scope: None,
            resource: None,
            code: None,
            redirect_uri: None,
            code_verifier: None,
            device_code: None,
            refresh_token: None,
            proof: None,
            authenticator: None,
            dpop: None,
        }
    }
}

impl TokenServer {
    /// Issues a token.
    pub async fn token(&self, request: &TokenRequest) -> Result<TokenResponse, OAuthError> {
        self.0.keys.ensure().await?;
        match request.grant_type.as_str() {
            "client_credentials" => client_credentials::exchange(self, request).await,
            "authorization_code" => authorization_code::exchange(self, request).await,
            "urn:ietf:params:oauth:grant-type:device_code" => {
                device_code::exchange(self, request).await
            }
            "refresh_token" => refresh_token::exchange(self, request).await,
            _ => Err(OAuthError::UnsupportedGrantType),
        }
    }

    /// The resource server a token is asked for, if this client may have tokens for it.
    pub(super) fn resource_server(
        &self,
        client: &Client,
        resource: Option<&str>,
    ) -> Result<Option<Arc<ResourceServer>>, OAuthError> {
        let Some(resource) = resource else {
            return Ok(None);
        };
        let settings = self.0.base.settings.load();
        let server = settings
            .resource_server_by_audience(resource)
            .filter(|server| server.permits(client.party()));
        server.cloned().map(Some).ok_or(OAuthError::InvalidTarget)
    }

    /// The resource server of a token that rests on a grant: the grant's, if it has one, and else
    /// the one asked for.
    pub(super) fn resource_server_within(
        &self,
        client: &Client,
        granted: Option<&str>,
        resource: Option<&str>,
    ) -> Result<Option<Arc<ResourceServer>>, OAuthError> {
        let asked_for = self.resource_server(client, resource)?;
        let Some(granted) = granted else {
            return Ok(asked_for);
        };
        if asked_for.is_some_and(|server| server.id != granted) {
            return Err(OAuthError::InvalidTarget);
        }
        let server = self
            .0
            .base
            .settings
            .load()
            .resource_servers
            .get(granted)
            .cloned();
        server
            .filter(|server| server.permits(client.party()))
            .map(Some)
            .ok_or(OAuthError::InvalidTarget)
    }
}

/// What is said when something that a request proved itself with was used before: the proof where
/// there was nothing else.
fn replayed(request: &TokenRequest) -> OAuthError {
    match (&request.credentials, &request.dpop) {
        (Credentials::Secret { .. } | Credentials::Public { .. }, Some(_)) => {
            ProofRefusal::Replayed.into()
        }
        _ => OAuthError::InvalidClient,
    }
}

/// Whether a client may use a grant.
fn check_grant_type(client: &Client, grant_type: GrantType) -> Result<(), OAuthError> {
    if client.may_use(grant_type) {
        Ok(())
    } else {
        Err(OAuthError::UnauthorizedClient(
            "The client is not configured for this grant_type.",
        ))
    }
}
