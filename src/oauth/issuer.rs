//! The server's name as an issuer, and the addresses below it.

use std::sync::Arc;

use url::Url;

use crate::config::is_loopback;

/// The public address of the server: its issuer identifier (RFC 8414 §2), without a slash at the
/// end. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Issuer {
    name: Arc<str>,
    origin: Arc<str>,
    path: Arc<str>,
    is_plain: bool,
}

impl Issuer {
    pub(super) fn new(public_address: &Url) -> Self {
        Self {
            name: public_address.as_str().trim_end_matches('/').into(),
            origin: public_address.origin().ascii_serialization().into(),
            path: public_address.path().trim_end_matches('/').into(),
            is_plain: public_address.scheme() == "http" && is_loopback(public_address),
        }
    }

    /// The `iss` of what the server issues, an `aud` of what it accepts.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// The origin of the server's own pages, as browsers name it (RFC 6454 §6.2).
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The path of the issuer, empty where it has none.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The address of an endpoint, by its path.
    pub(super) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.name)
    }

    /// Whether the server's cookies are for TLS only: always, unless it is tried out on loopback.
    #[must_use]
    pub fn has_secure_cookies(&self) -> bool {
        !self.is_plain
    }
}
