//! The connection to the server.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, RequestBuilder, redirect};
use serde::de::DeserializeOwned;
use url::{Host, Url};

use super::error::{PhoneError, ServerError};
use crate::clock::Clock;
use crate::random::{SharedRandom, SystemRandom};
use crate::secret::SecretString;

/// How long the server may take to answer, in addition to a requested wait.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Longer than all responses of the protocol.
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
    /// Prepares to connect to the server whose public listener is at `base_url`.
    pub fn new(base_url: &Url) -> Result<Self, PhoneError> {
        let mut builder = reqwest::Client::builder().redirect(redirect::Policy::none());
        if is_loopback(base_url) {
            // A proxy from the environment cannot reach this machine's loopback address.
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

    /// Replaces the clock. In tests the server and its phones share one.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Replaces the source of randomness.
    #[must_use]
    pub fn with_random(self, random: SharedRandom) -> Self {
        Self { random, ..self }
    }

    #[must_use]
    pub fn base_url(&self) -> &Url {
        &self.base_url
    }

    /// The URL of a resource. `path` begins with `/` and is appended to the base URL's own path.
    pub(super) fn url(&self, path: &str) -> Result<Url, PhoneError> {
        let base = self.base_url.as_str().trim_end_matches('/');
        Url::parse(&format!("{base}{path}"))
            .map_err(|_| PhoneError::UnexpectedAnswer("not a URL of the server"))
    }

    pub(super) fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, PhoneError> {
        self.request_waiting(method, path, Duration::ZERO)
    }

    /// A request with an access token.
    pub(super) fn bearer_request(
        &self,
        method: Method,
        path: &str,
        access_token: &SecretString,
    ) -> Result<RequestBuilder, PhoneError> {
        Ok(self
            .request(method, path)?
            .bearer_auth(access_token.expose()))
    }

    /// A request that the server may hold for `wait`.
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

    /// Sends a request and parses the JSON body of the response.
    pub(super) async fn json<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
    ) -> Result<T, PhoneError> {
        let body = self.body(request).await?;
        serde_json::from_slice(&body)
            .map_err(|_| PhoneError::UnexpectedAnswer("the body is not of the expected form"))
    }

    /// Sends a request and reads the body of the response.
    ///
    /// # Errors
    ///
    /// A status other than `2xx` is an error.
    pub(super) async fn body(&self, request: RequestBuilder) -> Result<Vec<u8>, PhoneError> {
        let response = request.send().await.map_err(PhoneError::Unreachable)?;
        let status = response.status();
        let body = read_bounded(response).await?;

        if status.is_success() {
            return Ok(body);
        }

        Err(PhoneError::Refused {
            status: status.as_u16(),
            error: ServerError::from_body(&body),
        })
    }

    /// Sends a `GET` like a browser and returns the URL that the server redirects to.
    pub(super) async fn redirect(
        &self,
        url: Url,
        cookies: &mut Cookies,
    ) -> Result<Url, PhoneError> {
        let request = self.http.get(url.clone()).timeout(ANSWER_TIMEOUT);
        let request = request.header(reqwest::header::COOKIE, cookies.header());
        let response = request.send().await.map_err(PhoneError::Unreachable)?;
        cookies.keep(&response);

        if !response.status().is_redirection() {
            let status = response.status().as_u16();
            return Err(PhoneError::Refused {
                status,
                error: ServerError::from_body(&read_bounded(response).await?),
            });
        }

        let location = response
            .headers()
            .get(reqwest::header::LOCATION)
            .and_then(|value| value.to_str().ok());
        let location = location.ok_or(PhoneError::UnexpectedAnswer(
            "a redirect without a location",
        ))?;
        url.join(location)
            .map_err(|_| PhoneError::UnexpectedAnswer("a redirect to an invalid URL"))
    }
}

/// The cookies of one browser at one server.
#[derive(Default)]
pub(super) struct Cookies(BTreeMap<String, String>);

impl Cookies {
    fn header(&self) -> String {
        let pairs: Vec<_> = self
            .0
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("; ")
    }

    fn keep(&mut self, response: &reqwest::Response) {
        let headers = response.headers().get_all(reqwest::header::SET_COOKIE);

        for cookie in headers.iter().filter_map(|header| header.to_str().ok()) {
            let pair = cookie.split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                self.0.insert(name.to_owned(), value.to_owned());
            }
        }
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
