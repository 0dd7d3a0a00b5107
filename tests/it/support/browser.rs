//! A user's browser: keeps cookies, and follows redirects.

use std::collections::BTreeMap;

use reqwest::Response;
use serde_json::Value;

use super::app::{LOGIN_PAGE, TestApp};
use super::http::send;

/// More than any way through the server has.
const REDIRECTS_MAX: usize = 10;

pub(crate) struct Browser {
    http: reqwest::Client,
    server: String,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    /// A browser without cookies, for the server at this URL.
    pub(crate) fn new(server: &str) -> Self {
        Self {
            http: reqwest::Client::builder()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .unwrap(),
            server: server.to_owned(),
            cookies: BTreeMap::new(),
        }
    }

    /// Opens one address of the server, without following a redirect.
    pub(crate) async fn open(&mut self, address: &str) -> Response {
        let request = self.http.get(self.absolute(address));
        self.request(request).await
    }

    /// Sends a form of one of the server's pages, without following a redirect.
    pub(crate) async fn post(&mut self, address: &str, form: &[(&str, &str)]) -> Response {
        let request = self.http.post(self.absolute(address));
        self.request(request.header("origin", &self.server).form(form))
            .await
    }

    /// Follows redirects until they end at a login or consent page, or outside the server. Gives the
    /// address.
    pub(crate) async fn go(&mut self, address: &str) -> String {
        let mut address = self.absolute(address);

        for _ in 0..REDIRECTS_MAX {
            if address.contains("_challenge=") && !address.contains("code_challenge=")
                || !address.starts_with(&self.server)
            {
                return address;
            }

            let response = self.open(&address).await;
            assert_eq!(response.status(), 303, "{address}");
            address = response.headers()["location"].to_str().unwrap().to_owned();
        }

        panic!("too many redirects: {address}")
    }

    /// Goes to the `login` or `consent` page. Gives the challenge that the page is called with.
    pub(crate) async fn challenge(&mut self, address: &str, page: &str) -> String {
        let address = self.go(address).await;
        let challenge = address.split_once(&format!("{page}_challenge="));
        challenge
            .unwrap_or_else(|| panic!("{address}"))
            .1
            .to_owned()
    }

    /// The cookies it would send.
    pub(crate) fn cookies(&self) -> String {
        let pair = |(name, value)| format!("{name}={value}");
        self.cookies.iter().map(pair).collect::<Vec<_>>().join("; ")
    }

    async fn request(&mut self, request: reqwest::RequestBuilder) -> Response {
        let request = request.header("cookie", self.cookies());
        let response = request.send().await.unwrap();

        for line in response.headers().get_all("set-cookie") {
            let pair = line.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }

        response
    }

    fn absolute(&self, address: &str) -> String {
        if address.starts_with('/') {
            format!("{}{address}", self.server)
        } else {
            address.to_owned()
        }
    }
}

impl TestApp {
    pub(crate) fn browser(&self) -> Browser {
        Browser::new(&self.public_url)
    }

    /// Accepts the request of a `login` or `consent` page. Gives the address that the page sends the
    /// browser to.
    pub(crate) async fn accept(&self, page: &str, challenge: &str, answer: Value) -> String {
        let path = format!("/oauth/api/v1/{page}-requests/{challenge}/accept");
        let request = self
            .request("PUT", &path)
            .basic_auth(LOGIN_PAGE.0, Some(LOGIN_PAGE.1));
        let accepted = send(request.json(&answer)).await;
        assert_eq!(accepted.status, 200, "{accepted:?}");

        accepted.text("redirect_to").to_owned()
    }
}
