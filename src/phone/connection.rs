//! The way to the server: addresses, bounds and the two shapes of its errors.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, RequestBuilder, redirect};
use serde::de::DeserializeOwned;
use url::{Host, Url};

use super::error::{PhoneError, Refusal};
use crate::clock::Clock;
use crate::random::{SharedRandom, SystemRandom};

/// How long the server may take to answer, besides what it was asked to wait.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// More than any answer of the protocol.
const BODY_BYTES_MAX: usize = 256 * 1024;

/// A server, and what the phone needs to talk to it. Clones share their connections.
#[derive(Clone)]
pub struct Connection {
    base_url: Url,
    http: reqwest::Client,
    pub(super) clock: Clock,
    pub(super) random: SharedRandom,
}

impl Connection {
    /// To the server whose public listener is at `base_url`.
    pub fn new(base_url: &Url) -> Result<Self, PhoneError> {
        let mut builder = reqwest::Client::builder().redirect(redirect::Policy::none());
        if is_loopback(base_url) {
            // The proxy that the environment may name cannot know what is on this machine.
            builder = builder.no_proxy();
        }

        let http = builder.build().map_err(PhoneError::Unreachable)?;
        Ok(Self {
            base_url: base_url.clone(),
            http,
            clock: Clock::system(),
            random: Arc::new(SystemRandom),
        })
    }

    /// Takes the time from here: a test's server and its phones share one clock.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Takes randomness from here.
    #[must_use]
    pub fn with_random(self, random: SharedRandom) -> Self {
        Self { random, ..self }
    }

    /// The server's address.
    #[must_use]
    pub fn base_url(&self) -> &Url {
        &self.base_url
    }

    /// The address of something on the server. `path` begins with `/` and comes after the base
    /// URL's own path.
    pub(super) fn url(&self, path: &str) -> Result<Url, PhoneError> {
        let base = self.base_url.as_str().trim_end_matches('/');
        Url::parse(&format!("{base}{path}"))
            .map_err(|_| PhoneError::UnexpectedAnswer("no address of the server"))
    }

    pub(super) fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, PhoneError> {
        self.request_waiting(method, path, Duration::ZERO)
    }

    /// A request that the server answers after `wait` at the latest.
    pub(super) fn request_waiting(
        &self,
        method: Method,
        path: &str,
        wait: Duration,
    ) -> Result<RequestBuilder, PhoneError> {
        Ok(self
            .http
            .request(method, self.url(path)?)
            .timeout(ANSWER_TIMEOUT + wait))
    }

    /// Sends and reads the answer's JSON.
    pub(super) async fn json<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
    ) -> Result<T, PhoneError> {
        let body = self.body(request).await?;
        serde_json::from_slice(&body)
            .map_err(|_| PhoneError::UnexpectedAnswer("the body is not of the expected form"))
    }

    /// Sends and reads the answer; anything but success is an error.
    pub(super) async fn body(&self, request: RequestBuilder) -> Result<Vec<u8>, PhoneError> {
        let response = request.send().await.map_err(PhoneError::Unreachable)?;
        let status = response.status();
        let body = read_bounded(response).await?;
        if status.is_success() {
            return Ok(body);
        }

        Err(PhoneError::Refused {
            status: status.as_u16(),
            refusal: Refusal::from_body(&body),
        })
    }

    /// Sends a browser's `GET` and gives the address it is redirected to.
    pub(super) async fn redirect(&self, url: Url) -> Result<Url, PhoneError> {
        let request = self.http.get(url.clone()).timeout(ANSWER_TIMEOUT);
        let response = request.send().await.map_err(PhoneError::Unreachable)?;
        if !response.status().is_redirection() {
            let status = response.status().as_u16();
            return Err(PhoneError::Refused {
                status,
                refusal: Refusal::from_body(&read_bounded(response).await?),
            });
        }

        let location = response
            .headers()
            .get(reqwest::header::LOCATION)
            .and_then(|value| value.to_str().ok());
        let location = location.ok_or(PhoneError::UnexpectedAnswer(
            "a redirect without an address",
        ))?;
        url.join(location)
            .map_err(|_| PhoneError::UnexpectedAnswer("a redirect to no address"))
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

async fn read_bounded(mut response: reqwest::Response) -> Result<Vec<u8>, PhoneError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(PhoneError::Unreachable)? {
        if body.len() + chunk.len() > BODY_BYTES_MAX {
            return Err(PhoneError::UnexpectedAnswer("the body is too long"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
