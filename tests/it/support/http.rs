//! Requests and responses.

use reqwest::RequestBuilder;
use reqwest::header::HeaderMap;
use serde_json::Value;

/// A complete response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// `null` if there is no body.
    pub(crate) json: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// A member that is a string.
    pub(crate) fn text(&self, member: &str) -> &str {
        self.json[member]
            .as_str()
            .unwrap_or_else(|| panic!("no {member} in {self:?}"))
    }

    /// Status and `error_code`.
    pub(crate) fn numbered(&self) -> (u16, &str) {
        (
            self.status,
            self.json["error_code"].as_str().unwrap_or_default(),
        )
    }

    /// Status and `code` or `error`.
    pub(crate) fn named(&self) -> (u16, &str) {
        let name = self.json["code"].as_str().or(self.json["error"].as_str());
        (self.status, name.unwrap_or_default())
    }
}

/// Sends a request and reads the response, which must be JSON or empty, and must not be cached.
pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = response.bytes().await.unwrap();
    let json = if body.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&body).unwrap()
    };

    // Nothing may be stored but what is everybody's.
    let cache_control = headers["cache-control"].to_str().unwrap();
    let is_public = headers.contains_key("access-control-allow-origin");
    assert_eq!(
        cache_control,
        if is_public {
            "public, max-age=300"
        } else {
            "no-store"
        }
    );
    assert!(!headers["x-request-id"].is_empty());

    Answer {
        status,
        headers,
        json,
    }
}

impl super::app::TestApp {
    /// A request to the management listener.
    pub(crate) fn manage(&self, method: &str, path: &str) -> RequestBuilder {
        self.http.request(
            method.parse().unwrap(),
            format!("{}{path}", self.management_url),
        )
    }
}
