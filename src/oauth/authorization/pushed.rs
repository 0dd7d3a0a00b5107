//! Pushed authorization requests (RFC 9126): the client hands the request over itself, the browser
//! only its name.

use std::time::Duration;

use super::authorize::{AuthorizeRefusal, is_redirect_uri_of};
use super::check::AuthorizationError;
use super::persist;
use super::request::AuthorizeRequest;
use crate::jose::dpop::DpopExpectation;
use crate::oauth::clients::{AuthenticatedClient, Credentials};
use crate::oauth::dpop::ProvenKey;
use crate::oauth::{OAuthError, TokenServer};
use crate::secret::{OpaqueToken, SecretString, TokenKind};
use crate::store::StoreError;
use crate::store::rows::PushedRequestRow;

/// What a `request_uri` begins with (RFC 9126 §2.2).
const PREFIX: &str = "urn:ietf:params:oauth:request_uri:";
/// How long the browser may take to come with it.
const TIME_TO_LIVE: Duration = Duration::from_secs(90);

/// A request that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushedRequest {
    /// What the browser names it by, once.
    pub request_uri: String,
    /// `expires_in`.
    pub expires_in: Duration,
}

/// Why a request was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PushedRequestError {
    /// As at the token endpoint.
    #[error(transparent)]
    Client(#[from] OAuthError),
    /// What the authorization endpoint would have said. `400`.
    #[error(transparent)]
    Request(#[from] AuthorizationError),
}

impl From<StoreError> for PushedRequestError {
    fn from(error: StoreError) -> Self {
        Self::Client(error.into())
    }
}

impl TokenServer {
    /// Takes an authorization request from the client itself, checked as the authorization endpoint
    /// does.
    pub async fn push_authorization_request(
        &self,
        credentials: &Credentials,
        proof: Option<&SecretString>,
        mut request: AuthorizeRequest,
    ) -> Result<PushedRequest, PushedRequestError> {
        let proven = proof
            .map(|proof| self.prove_key_here(proof.expose()))
            .transpose()?;
        let AuthenticatedClient {
            client,
            mut assertions,
        } = self.authenticate_client(credentials).await?;
        if let Some(ProvenKey { jkt, used }) = proven {
            assertions.push(used);
            bind_to_key(&mut request, jkt)?;
        }
        self.use_up(assertions).await?;
        if request.request_uri.is_some() {
            return Err(OAuthError::InvalidRequest("request_uri: must not be pushed.").into());
        }
        let redirect_uri = request.redirect_uri.as_deref().unwrap_or_default();
        if !is_redirect_uri_of(&client, redirect_uri) {
            return Err(
                OAuthError::InvalidRequest("redirect_uri: is not one of the client's.").into(),
            );
        }
        let request = AuthorizeRequest {
            client_id: Some(client.id().to_owned()),
            ..request
        };
        self.check_authorization(&client, &request)?;
        let reference = OpaqueToken::new(
            &self.0.base.keyring,
            TokenKind::PushedRequest,
            self.0.base.random.as_ref(),
        );
        let row = PushedRequestRow {
            request_hash: reference.hash.to_vec(),
            client_id: client.id().to_owned(),
            parameters: serde_json::to_string(&request).map_err(|_| OAuthError::Unavailable)?,
            expires_at: self.0.base.clock.now().after(TIME_TO_LIVE).as_millis(),
        };
        persist::push_request(&self.0.base.store, row).await?;
        Ok(PushedRequest {
            request_uri: format!("{PREFIX}{}", reference.text.expose()),
            expires_in: TIME_TO_LIVE,
        })
    }

    fn prove_key_here(&self, proof: &str) -> Result<ProvenKey, OAuthError> {
        let url = format!("{}/oauth/par", self.0.issuer);
        let expected = DpopExpectation {
            method: "POST",
            url: &url,
            access_token: None,
            now: self.0.base.clock.now(),
        };
        Ok(self.prove_key(proof, &expected)?)
    }

    /// The request that a browser names, which is used up.
    pub(super) async fn take_pushed_request(
        &self,
        client_id: &str,
        request_uri: &str,
    ) -> Result<AuthorizeRequest, AuthorizeRefusal> {
        let reference = request_uri
            .strip_prefix(PREFIX)
            .ok_or(AuthorizeRefusal::RequestUri)?;
        let hash = self
            .0
            .base
            .keyring
            .token_hash(TokenKind::PushedRequest, reference);
        let taken =
            persist::take_pushed_request(&self.0.base.store, hash, client_id.to_owned()).await?;
        let now = self.0.base.clock.now().as_millis();
        let taken = taken
            .filter(|row| now < row.expires_at)
            .ok_or(AuthorizeRefusal::RequestUri)?;
        serde_json::from_str(&taken.parameters).map_err(|_| AuthorizeRefusal::RequestUri)
    }
}

/// A proof beside the request says the same as `dpop_jkt` in it (RFC 9449 §10.1).
fn bind_to_key(request: &mut AuthorizeRequest, jkt: String) -> Result<(), OAuthError> {
    if request.dpop_jkt.as_ref().is_some_and(|named| *named != jkt) {
        return Err(OAuthError::InvalidRequest(
            "dpop_jkt: is not the key of the DPoP proof.",
        ));
    }
    request.dpop_jkt = Some(jkt);
    Ok(())
}
