//! Scopes: what a token allows (RFC 6749 §3.3). Pure.

use super::error::OAuthError;
use crate::settings::{ResourceServer, Settings};

/// What a device's own token allows.
pub(super) const DEVICE: &str = "device";
/// What the token of a user on a device allows.
pub(super) const DEVICE_AND_USER: &str = "device user";
/// Asks for an ID token (OpenID Connect Core §3.1.2.1).
pub(super) const OPENID: &str = "openid";
/// Asks for access while the user is away (OpenID Connect Core §11).
pub(super) const OFFLINE_ACCESS: &str = "offline_access";

/// The longest `scope` that is read, in bytes.
const SCOPE_BYTES_MAX: usize = 1024;

/// What becomes of a scope that is requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Requested {
    Allowed,
    /// Nobody knows it. Clients ask all servers for the same ones (OpenID Connect Core §3.1.2.1).
    Ignored,
    /// It exists, and is not this client's.
    Refused,
}

impl Requested {
    /// Of a client that may or may not have the scope.
    pub(super) fn of(name: &str, is_allowed: bool, settings: &Settings) -> Self {
        match (is_allowed, settings.is_known_scope(name)) {
            (true, _) => Self::Allowed,
            (false, true) => Self::Refused,
            (false, false) => Self::Ignored,
        }
    }
}

/// Those of the requested scopes that are allowed, each once; `default` where none are requested. It
/// is an error when one is refused or none is left.
pub(super) fn decide(
    requested: Option<&str>,
    default: impl FnOnce() -> String,
    verdict: impl Fn(&str) -> Requested,
) -> Result<String, OAuthError> {
    let Some(requested) = requested else {
        return Ok(default());
    };
    // The bound also keeps the search among the names seen short.
    if requested.len() > SCOPE_BYTES_MAX {
        return Err(OAuthError::InvalidScope);
    }

    let mut allowed: Vec<&str> = Vec::new();
    for name in requested.split(' ').filter(|name| !name.is_empty()) {
        match verdict(name) {
            Requested::Allowed if allowed.contains(&name) => {}
            Requested::Allowed => allowed.push(name),
            Requested::Ignored => {}
            Requested::Refused => return Err(OAuthError::InvalidScope),
        }
    }

    if allowed.is_empty() {
        Err(OAuthError::InvalidScope)
    } else {
        Ok(allowed.join(" "))
    }
}

/// Whether a list of scopes has this one.
pub(super) fn contains(scope: &str, name: &str) -> bool {
    scope.split(' ').any(|candidate| candidate == name)
}

/// The scopes of `left`, then those of `right` that are not among them.
pub(super) fn union(left: &str, right: &str) -> String {
    let more = right
        .split(' ')
        .filter(|name| !name.is_empty() && !contains(left, name));

    left.split(' ')
        .filter(|name| !name.is_empty())
        .chain(more)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Those of the scopes that a resource server takes (RFC 8707 §2.2); it is an error when none is
/// left.
pub(super) fn for_resource_server(
    scope: &str,
    server: Option<&ResourceServer>,
) -> Result<String, OAuthError> {
    let Some(server) = server else {
        return Ok(scope.to_owned());
    };
    let left: Vec<&str> = scope
        .split(' ')
        .filter(|name| server.allows_scope(name))
        .collect();

    if left.is_empty() {
        Err(OAuthError::InvalidScope)
    } else {
        Ok(left.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_gets_no_scope_it_does_not_have() {
        let verdict = |requested| {
            decide(
                requested,
                || "a".to_owned(),
                |name| match name {
                    "a" | "b" => Requested::Allowed,
                    "c" | "d" => Requested::Refused,
                    _ => Requested::Ignored,
                },
            )
            .ok()
        };

        assert_eq!(verdict(None), Some("a".to_owned()));

        for (requested, expected) in [
            ("a", "a"),
            ("b", "b"),
            ("a b", "a b"),
            ("b a", "b a"),
            ("  a   b ", "a b"),
            ("a b a a", "a b"),
            ("x a y", "a"),
            ("A a", "a"),
        ] {
            assert_eq!(verdict(Some(requested)), Some(expected.to_owned()));
        }

        let huge = "a ".repeat(10_000);

        for requested in ["", " ", "A", "c", "a c", "x", "a,b", "a\tb", &huge] {
            assert_eq!(verdict(Some(requested)), None, "{requested:?}");
        }
    }

    #[test]
    fn scopes_join_without_duplicates() {
        assert_eq!(union("device user", "user openid"), "device user openid");
        assert_eq!(union("", "a"), "a");
        assert_eq!(union("a", ""), "a");
        assert!(contains("a bc", "bc") && !contains("a bc", "b") && !contains("", "a"));
    }
}
