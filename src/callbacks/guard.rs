//! Where callbacks must not go: into our own network.
//!
//! Two checks. [`check_url`] reads the address as written, before anything is sent; it knows
//! literal IP addresses in all the spellings the `url` crate knows, which is the parser that sends
//! as well. [`GuardedResolver`] looks names up once, refuses them unless *all* their addresses are
//! public, and hands these to the connection, so that a name cannot say one thing to the check and
//! another to the connection.

mod addresses;
mod resolver;

use url::{Host, Url};

pub use addresses::is_public;
pub(super) use resolver::GuardedResolver;
pub use resolver::{Lookup, NotPublic, SystemLookup};

/// The longest address to call back, in bytes.
const URL_BYTES_MAX: usize = 2048;

/// Why an address must not be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not among the configured callback endpoints, while it has to be.
    #[error("is not a configured callback endpoint")]
    NotConfigured,
    /// No absolute address, or too long a one.
    #[error("must be an absolute https address of at most {URL_BYTES_MAX} bytes")]
    Malformed,
    /// Another scheme than `https` (or `http` in one's own network).
    #[error("must be https")]
    Scheme,
    /// It carries credentials or a fragment.
    #[error("must have neither credentials nor a fragment")]
    Extras,
    /// A loopback, private, link-local or otherwise special address.
    #[error("must not be an address of a private network")]
    Private,
}

/// Whether the address may be called, as far as can be told without looking its name up.
pub fn check_url(text: &str, allow_private: bool) -> Result<Url, Refusal> {
    if text.len() > URL_BYTES_MAX
        || text
            .chars()
            .any(|character| character.is_control() || character == ' ')
    {
        return Err(Refusal::Malformed);
    }

    let url = Url::parse(text).map_err(|_| Refusal::Malformed)?;
    match url.scheme() {
        "https" => {}
        "http" if allow_private => {}
        _ => return Err(Refusal::Scheme),
    }

    // `https:/host`, `https:\\host` and the like are repaired by the parser; a careful website
    // writes none of these.
    let authority = text
        .get(url.scheme().len()..)
        .and_then(|rest| rest.strip_prefix("://"));
    let plain =
        authority.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '\\', '?', '#']));
    if !plain || text.contains('\\') {
        return Err(Refusal::Malformed);
    }

    if !url.username().is_empty()
        || url.password().is_some()
        || text.contains('@')
        || url.fragment().is_some()
    {
        return Err(Refusal::Extras);
    }

    let public = match url.host() {
        Some(Host::Ipv4(address)) => is_public(address.into()),
        Some(Host::Ipv6(address)) => is_public(address.into()),
        Some(Host::Domain(name))
            if name.split('.').rev().skip(1).all(|label| !label.is_empty()) =>
        {
            !is_local_name(name)
        }
        _ => return Err(Refusal::Malformed),
    };

    if public || allow_private {
        Ok(url)
    } else {
        Err(Refusal::Private)
    }
}

/// Names that never leave the machine or the network (RFC 6761, RFC 6762, RFC 8375), and names
/// without a dot.
fn is_local_name(name: &str) -> bool {
    const LOCAL: [&str; 6] = [
        "localhost",
        "local",
        "internal",
        "home.arpa",
        "localdomain",
        "lan",
    ];

    let name = name.strip_suffix('.').unwrap_or(name);
    let local = |suffix: &&str| {
        name.strip_suffix(*suffix)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    !name.contains('.') || LOCAL.iter().any(local)
}

#[cfg(test)]
mod tests;
