//! Requests to the stand-ins and their answers, as plain data.

use std::collections::BTreeMap;
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parking_lot::Mutex;
use serde_json::Value;

pub(super) struct Request {
    pub(super) method: String,
    /// Decoded, without the query.
    pub(super) path: String,
    pub(super) query: BTreeMap<String, String>,
    /// By lower-case name.
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
    pub(super) is_http2: bool,
    pub(super) connection: Option<Arc<Connection>>,
}

impl Request {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The token of `Authorization: Bearer`. The scheme is case-insensitive.
    pub(super) fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.header("authorization")?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token)
    }

    /// Whether the request has these Basic credentials.
    pub(super) fn has_basic(&self, username: &str, password: &str) -> bool {
        is_basic(self.header("authorization"), username, password)
    }

    /// The body parsed as a form, which gives an object of strings, or else as JSON.
    pub(super) fn fields(&self) -> Value {
        if self
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"))
        {
            form_urlencoded::parse(&self.body)
                .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
                .collect()
        } else {
            serde_json::from_slice(&self.body).unwrap_or(Value::Null)
        }
    }
}

/// Whether an `Authorization` header has these Basic credentials (RFC 7617).
pub(super) fn is_basic(header: Option<&str>, username: &str, password: &str) -> bool {
    let expected = format!(
        "Basic {}",
        STANDARD.encode(format!("{username}:{password}"))
    );
    header == Some(expected.as_str())
}

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    /// JSON; null for an empty body.
    pub(super) body: Value,
}

impl Answer {
    pub(super) const fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Value::Null,
        }
    }

    pub(super) const fn json(status: u16, body: Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body,
        }
    }
}

/// The connection of a request.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    /// APNs: the provider token of the connection and its `iat`.
    pub(super) provider_token: Mutex<Option<(String, i64)>>,
}

impl Connection {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            provider_token: Mutex::default(),
        }
    }

    /// Closes the socket while the HTTP server still uses it.
    pub(super) fn close(&self) {
        // An error means that the client has closed it already.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}
