//! Sends one callback once.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, RequestBuilder, Response};
use serde::Serialize;
use url::{Host, Url};

use super::guard::{GuardedResolver, Lookup, NotPublic, UrlRefusal, check_url};
use super::signature;
use super::types::CallbackId;
use crate::clock::Timestamp;
use crate::egress::{Egress, InvalidEgress, read_body, retry_after};
use crate::ids::TransactionId;
use crate::secret::SecretString;
use crate::settings::{CallbackEndpoint, Settings};

/// For a whole attempt. Well below the lease of a claimed row.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);

/// How much of a response body is read. It is read so that the connection can be reused, and then
/// dropped.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// Why an attempt failed. Administrators see it, so it contains nothing from the website except the
/// status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) error: String,
    /// The website's `Retry-After`.
    pub(super) retry_after: Option<Duration>,
}

impl Failure {
    pub(super) fn new(error: impl Into<String>) -> Self {
        Self {
            error: error.into(),
            retry_after: None,
        }
    }
}

/// What a callback tells.
#[derive(Clone, Debug)]
pub(super) enum Content {
    /// That a transaction has ended.
    Transaction(TransactionId),
    /// That a log-in has ended: a logout token (OpenID Connect Back-Channel Logout §2.4).
    Logout(SecretString),
}

#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) id: CallbackId,
    pub(super) content: Content,
    pub(super) callback_uri: String,
}

#[derive(Serialize)]
struct Body<'a> {
    callback_uri: &'a str,
    transaction_id: TransactionId,
}

/// The URL of a callback and the endpoint configured for it.
pub(super) fn target<'a>(
    settings: &'a Settings,
    uri: &str,
) -> Result<(Url, Option<&'a CallbackEndpoint>), UrlRefusal> {
    let endpoint = settings.callback_endpoints.get(uri).map(Arc::as_ref);
    if endpoint.is_none() && settings.mobile_authentication.callback_allow_list_enabled {
        return Err(UrlRefusal::NotConfigured);
    }

    let url = check_url(uri, endpoint.is_some_and(|endpoint| endpoint.allow_private))?;
    Ok((url, endpoint))
}

/// The URL where a client is told of log-outs, if that is still configured. It stands in the settings:
/// administrators may name servers of their own network.
fn logout_target(settings: &Settings, uri: &str) -> Result<Url, UrlRefusal> {
    let mut clients = settings.web_clients.values();
    if clients.any(|client| client.backchannel_logout_uri.as_deref() == Some(uri)) {
        check_url(uri, true)
    } else {
        Err(UrlRefusal::NotConfigured)
    }
}

pub(super) struct CallbackClient {
    /// Only connects to public addresses.
    public: Client,
    /// For endpoints in the server's own network. Does not use the proxy.
    private: Client,
    /// Only with a proxy: then the proxy connects, so names are checked before the request.
    proxied_names: Option<GuardedResolver>,
}

impl CallbackClient {
    pub(super) fn new(egress: &Egress, lookup: Arc<dyn Lookup>) -> Result<Self, InvalidEgress> {
        let resolver = GuardedResolver(lookup);
        let mut public = egress.builder(None)?.timeout(TIMEOUT);
        if !egress.is_proxied() {
            // The connection uses the very addresses that were checked, so that a second lookup
            // cannot give others.
            public = public.dns_resolver(Arc::new(resolver.clone()));
        }

        // A proxy stands towards the internet: it would not reach the own network, and should not.
        let private = egress.builder(None)?.timeout(TIMEOUT).no_proxy();

        Ok(Self {
            public: public.build().map_err(|_| InvalidEgress::Tls)?,
            private: private.build().map_err(|_| InvalidEgress::Tls)?,
            proxied_names: egress.is_proxied().then_some(resolver),
        })
    }

    /// Sends the callback.
    ///
    /// # Errors
    ///
    /// Fails unless the website answers with a `2xx` status.
    pub(super) async fn send(
        &self,
        settings: &Settings,
        call: &Call,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let request = match &call.content {
            Content::Transaction(id) => self.tell_of_transaction(settings, call, *id, now).await?,
            Content::Logout(token) => {
                let url = logout_target(settings, &call.callback_uri).map_err(refused)?;
                let form = [("logout_token", token.expose())];
                self.client_towards(&url).await.post(url).form(&form)
            }
        };

        let response = request.send().await.map_err(|error| failure_of(&error))?;
        check_response(response, now).await
    }

    async fn tell_of_transaction(
        &self,
        settings: &Settings,
        call: &Call,
        transaction_id: TransactionId,
        now: Timestamp,
    ) -> Result<RequestBuilder, Failure> {
        // Checked again, although the start was: the settings may have changed, and the row may be
        // a day old.
        let (url, endpoint) = target(settings, &call.callback_uri).map_err(refused)?;
        let private = endpoint.is_some_and(|endpoint| endpoint.allow_private);
        if !private {
            self.check_proxied_name(&url).await?;
        }

        let body = Body {
            callback_uri: &call.callback_uri,
            transaction_id,
        };
        let body = serde_json::to_vec(&body)
            .map_err(|_| Failure::new("not sent: the body cannot be written"))?;
        let secrets = endpoint.map_or(&[][..], |endpoint| &endpoint.signing_secrets);
        let headers = signature::headers(call.id, now, &body, secrets)
            .map_err(|_| Failure::new("not sent: the signing secret is not usable"))?;

        let client = if private { &self.private } else { &self.public };
        let mut request = client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        for (name, value) in headers {
            request = request.header(name, value);
        }

        if let Some((username, password)) =
            endpoint.and_then(|endpoint| endpoint.credentials.as_ref())
        {
            request = request.basic_auth(username, Some(password.expose()));
        }

        Ok(request)
    }

    /// The client for an address that may be outside or in the server's own network. Where there is a
    /// proxy, it is the way to what is outside.
    async fn client_towards(&self, url: &Url) -> &Client {
        let is_outside = self.proxied_names.is_some()
            && check_url(url.as_str(), false).is_ok()
            && self.check_proxied_name(url).await.is_ok();

        if is_outside {
            &self.public
        } else {
            &self.private
        }
    }

    async fn check_proxied_name(&self, url: &Url) -> Result<(), Failure> {
        let (Some(resolver), Some(Host::Domain(name))) = (&self.proxied_names, url.host()) else {
            return Ok(());
        };

        match resolver.resolve_name(name).await {
            Err(error) if error.is::<NotPublic>() => {
                Err(Failure::new(format!("not sent: {NotPublic}")))
            }
            // In networks with a proxy, public names often do not resolve; the proxy will.
            _ => Ok(()),
        }
    }
}

fn refused(refusal: UrlRefusal) -> Failure {
    Failure::new(format!("not sent: the address {refusal}"))
}

async fn check_response(response: Response, now: Timestamp) -> Result<(), Failure> {
    let status = response.status();
    let retry_after = retry_after(&response, now);

    // The status is known, so it does not matter whether the rest of the response arrives.
    drop(read_body(response, BODY_BYTES_MAX).await);

    if status.is_success() {
        return Ok(());
    }

    Err(Failure {
        error: format!("the website answered {}", status.as_u16()),
        retry_after,
    })
}

fn failure_of(error: &reqwest::Error) -> Failure {
    // The resolver's refusal is somewhere below the error of `reqwest`.
    let mut source = error.source();
    while let Some(cause) = source {
        if cause.is::<NotPublic>() {
            return Failure::new(format!("not sent: {NotPublic}"));
        }
        source = cause.source();
    }

    Failure::new(if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection broke"
    })
}
