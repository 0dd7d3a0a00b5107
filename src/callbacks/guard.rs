//! Keeps callbacks out of the server's own network.
//!
//! There are two checks. [`check_url`] looks at the URL before anything is sent. It recognises
//! literal IP addresses in all spellings that the `url` crate parses, which is also the parser of
//! the HTTP client. [`GuardedResolver`] resolves a name once, refuses it unless *all* its addresses
//! are public, and passes these to the connection, so that a name cannot resolve differently for
//! the check and for the connection (DNS rebinding).

mod addresses;
mod resolver;

use url::{Host, Url};

pub use addresses::is_public;
pub(super) use resolver::GuardedResolver;
pub use resolver::{Lookup, NotPublic, SystemLookup};

const URL_BYTES_MAX: usize = 2048;

/// Why a URL must not be called. The text completes a sentence about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlRefusal {
    #[error("is not a configured callback endpoint")]
    NotConfigured,
    #[error("must be an absolute https URL of at most {URL_BYTES_MAX} bytes")]
    Malformed,
    /// Neither `https`, nor `http` where private addresses are allowed.
    #[error("must be https")]
    Scheme,
    #[error("must have neither credentials nor a fragment")]
    CredentialsOrFragment,
    /// A loopback, private, link-local or otherwise special address.
    #[error("must not be an address of a private network")]
    Private,
}

/// Checks everything about a URL that can be checked without resolving its name.
pub fn check_url(text: &str, allow_private: bool) -> Result<Url, UrlRefusal> {
    if text.len() > URL_BYTES_MAX
        || text
            .chars()
            .any(|character| character.is_control() || character == ' ')
    {
        return Err(UrlRefusal::Malformed);
    }

    let url = Url::parse(text).map_err(|_| UrlRefusal::Malformed)?;
    match url.scheme() {
        "https" => {}
        "http" if allow_private => {}
        _ => return Err(UrlRefusal::Scheme),
    }

    // The parser repairs `https:/host`, `https:\\host` and the like. Other parsers read them
    // differently, so they are refused.
    let authority = text
        .get(url.scheme().len()..)
        .and_then(|rest| rest.strip_prefix("://"));
    let is_plain =
        authority.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '\\', '?', '#']));
    if !is_plain || text.contains('\\') {
        return Err(UrlRefusal::Malformed);
    }

    // Credentials would be sent to whoever reads `user@host` differently, and a fragment is never
    // sent.
    if !url.username().is_empty()
        || url.password().is_some()
        || text.contains('@')
        || url.fragment().is_some()
    {
        return Err(UrlRefusal::CredentialsOrFragment);
    }

    let public = match url.host() {
        Some(Host::Ipv4(address)) => is_public(address.into()),
        Some(Host::Ipv6(address)) => is_public(address.into()),
        // Empty labels, as in `a..b`, are read differently by resolvers; a dot at the end is part
        // of a name.
        Some(Host::Domain(name))
            if name.split('.').rev().skip(1).all(|label| !label.is_empty()) =>
        {
            !is_local_name(name)
        }
        _ => return Err(UrlRefusal::Malformed),
    };

    if public || allow_private {
        Ok(url)
    } else {
        Err(UrlRefusal::Private)
    }
}

/// Whether the name is only meaningful on this machine or network: special-use names (RFC 6761, RFC
/// 6762, RFC 8375) and names without a dot.
fn is_local_name(name: &str) -> bool {
    const LOCAL_SUFFIXES: [&str; 6] = [
        "localhost",
        "local",
        "internal",
        "home.arpa",
        "localdomain",
        "lan",
    ];

    // `localhost.` is `localhost`.
    let name = name.strip_suffix('.').unwrap_or(name);
    let has_suffix = |suffix: &&str| {
        name.strip_suffix(*suffix)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    !name.contains('.') || LOCAL_SUFFIXES.iter().any(has_suffix)
}

#[cfg(test)]
mod tests;
