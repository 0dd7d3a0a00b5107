//! Pushed authorization requests (RFC 9126): the client sends the request itself, and the browser
//! only brings a reference to it.

use std::sync::Arc;
use std::time::Duration;

use super::check;
use super::error::{AuthorizeRefusal, PushedRequestError};
use super::persist;
use super::redirect;
use crate::base::Base;
use crate::oauth::clients::{Clients, Credentials};
use crate::oauth::error::OAuthError;
use crate::oauth::model::{AuthorizeRequest, PushedRequest};
use crate::secret::{OpaqueToken, SecretString, TokenKind};

/// What a `request_uri` begins with (RFC 9126 §2.2).
const PREFIX: &str = "urn:ietf:params:oauth:request_uri:";
/// How long the browser may take to come with it.
const TIME_TO_LIVE: Duration = Duration::from_secs(90);

/// A request that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushedReference {
    /// Good for one use.
    pub request_uri: String,
    pub expires_in: Duration,
}

/// Keeps requests that clients push.
pub struct PushedRequests {
    pub(super) base: Base,
    pub(super) clients: Arc<Clients>,
}

impl PushedRequests {
    /// Takes a request, checked as the authorization endpoint does.
    pub async fn push(
        &self,
        credentials: &Credentials,
        proof: Option<&SecretString>,
        mut request: AuthorizeRequest,
    ) -> Result<PushedReference, PushedRequestError> {
        let authenticated = self
            .clients
            .authenticate_with_proof(credentials, proof, "/oauth/par")
            .await?;
        if let Some(jkt) = authenticated.jkt {
            bind_to_key(&mut request, jkt)?;
        }

        self.clients.use_up(authenticated.used).await?;

        let client = authenticated.client;

        // RFC 9126 §2.1: a reference must not lead to another one.
        if request.request_uri.is_some() {
            return Err(OAuthError::InvalidRequest("request_uri: must not be pushed.").into());
        }

        let requested = request.redirect_uri.as_deref();
        let registered = client.redirect_uris();
        if redirect::resolve(registered, requested, client.is_native()).is_none() {
            return Err(
                OAuthError::InvalidRequest("redirect_uri: is not one of the client's.").into(),
            );
        }

        // The client that authenticated, whatever the form said.
        request.client_id = Some(client.id().to_owned());
        check::check(&self.base.settings.load(), &client, &request)?;

        self.keep(client.id(), request).await
    }

    async fn keep(
        &self,
        client_id: &str,
        request: AuthorizeRequest,
    ) -> Result<PushedReference, PushedRequestError> {
        let Base {
            store,
            keyring,
            random,
            clock,
            ..
        } = &self.base;

        let reference = OpaqueToken::new(keyring, TokenKind::PushedRequest, random.as_ref());

        let pushed = PushedRequest {
            client_id: client_id.to_owned(),
            request,
            expires_at: clock.now().after(TIME_TO_LIVE),
        };

        persist::insert_pushed_request(store, reference.hash, pushed).await?;

        Ok(PushedReference {
            request_uri: format!("{PREFIX}{}", reference.text.expose()),
            expires_in: TIME_TO_LIVE,
        })
    }

    /// Takes the request that a browser refers to. It cannot be used again.
    pub(super) async fn take(
        &self,
        client_id: &str,
        request_uri: &str,
    ) -> Result<AuthorizeRequest, AuthorizeRefusal> {
        let reference = request_uri
            .strip_prefix(PREFIX)
            .ok_or(AuthorizeRefusal::RequestUri)?;

        let Base {
            store,
            keyring,
            clock,
            ..
        } = &self.base;

        let hash = keyring.token_hash(TokenKind::PushedRequest, reference);
        let taken = persist::take_pushed_request(store, hash, client_id).await?;

        taken
            // The row is gone by now, even if it came too late: nobody can try it a second time.
            .filter(|pushed| clock.now() < pushed.expires_at)
            .map(|pushed| pushed.request)
            .ok_or(AuthorizeRefusal::RequestUri)
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
