//! Scopes: what a token allows (RFC 6749 §3.3). Pure.

use super::error::OAuthError;
use crate::settings::ResourceServer;

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

/// The requested scopes, if each is allowed and named once; `default` where none are requested.
pub(super) fn decide(
    requested: Option<&str>,
    default: impl FnOnce() -> String,
    is_allowed: impl Fn(&str) -> bool,
) -> Result<String, OAuthError> {
    let Some(requested) = requested else {
        return Ok(default());
    };
    // The bound also keeps the search among the names seen short.
    if requested.len() > SCOPE_BYTES_MAX {
        return Err(OAuthError::InvalidScope);
    }

    let mut seen: Vec<&str> = Vec::new();
    for name in requested.split(' ') {
        if name.is_empty() || seen.contains(&name) || !is_allowed(name) {
            return Err(OAuthError::InvalidScope);
        }
        seen.push(name);
    }

    Ok(requested.to_owned())
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
                |name| ["a", "b"].contains(&name),
            )
            .ok()
        };

        assert_eq!(verdict(None), Some("a".to_owned()));

        for requested in ["a", "b", "a b", "b a"] {
            assert_eq!(verdict(Some(requested)), Some(requested.to_owned()));
        }

        let huge = "a ".repeat(10_000);

        for requested in [
            "", " ", "a ", " a", "a  b", "a a", "A", "c", "a,b", "a\tb", &huge,
        ] {
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
