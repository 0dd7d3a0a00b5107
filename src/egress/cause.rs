//! Why a call to the outside failed: a closed set, for logs and metrics. Found by the types of errors,
//! never by their texts, which differ between systems and may name an address.

use std::error::Error;
use std::io;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Why a call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The host's name cannot be resolved.
    Dns,
    /// Nothing listens at the address.
    Refused,
    /// The certificate is not trusted.
    TlsUntrusted,
    /// The certificate is for another host.
    TlsName,
    /// TLS failed otherwise.
    Tls,
    /// No connection came about, for a reason that is none of the others.
    Connect,
    /// No connection came about in time.
    TimeoutBefore,
    /// The request was sent, and no answer came in time.
    TimeoutAfter,
    /// The connection was lost before the whole answer was there.
    ConnectionLost,
    /// It answered that it refuses.
    Answered,
    /// It, or a proxy in front of it, answered that it failed (`5xx`).
    ServerError,
    /// What is configured cannot work.
    Configuration,
    /// Nothing was sent: the provider has not answered lately.
    NotTried,
    /// What the call needs cannot be read from the database.
    Store,
}

impl Cause {
    /// Of an error of the HTTP client.
    pub(crate) fn of(error: &reqwest::Error) -> Self {
        if error.is_builder() {
            return Self::Configuration;
        }

        if !error.is_connect() {
            return match error.is_timeout() {
                true => Self::TimeoutAfter,
                false => Self::ConnectionLost,
            };
        }

        let mut source = error.source();
        while let Some(error) = source {
            if let Some(cause) = of_source(error) {
                return cause;
            }
            source = error.source();
        }

        match error.is_timeout() {
            true => Self::TimeoutBefore,
            false => Self::Connect,
        }
    }

    /// Whether the provider is down, rather than this call refused.
    pub(super) const fn is_outage(self) -> bool {
        match self {
            Self::Answered | Self::Configuration | Self::NotTried | Self::Store => false,
            Self::Dns
            | Self::Refused
            | Self::TlsUntrusted
            | Self::TlsName
            | Self::Tls
            | Self::Connect
            | Self::TimeoutBefore
            | Self::TimeoutAfter
            | Self::ConnectionLost
            | Self::ServerError => true,
        }
    }

    /// The name in logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Refused => "refused",
            Self::TlsUntrusted => "tls_untrusted",
            Self::TlsName => "tls_name",
            Self::Tls => "tls",
            Self::Connect => "connect",
            Self::TimeoutBefore => "timeout_before",
            Self::TimeoutAfter => "timeout_after",
            Self::ConnectionLost => "connection_lost",
            Self::Answered => "answered",
            Self::ServerError => "server_error",
            Self::Configuration => "configuration",
            Self::NotTried => "not_tried",
            Self::Store => "store",
        }
    }
}

/// What an error beneath the HTTP client's says.
fn of_source(error: &(dyn Error + 'static)) -> Option<Cause> {
    if error.is::<NameNotResolved>() {
        return Some(Cause::Dns);
    }

    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return Some(of_tls(error));
    }

    let error = error.downcast_ref::<io::Error>()?;
    if error.kind() == io::ErrorKind::ConnectionRefused {
        return Some(Cause::Refused);
    }

    // What it wraps is no source of it: its sources are those of what it wraps.
    of_source(error.get_ref()?)
}

const fn of_tls(error: &rustls::Error) -> Cause {
    match error {
        rustls::Error::InvalidCertificate(
            rustls::CertificateError::NotValidForName
            | rustls::CertificateError::NotValidForNameContext { .. },
        ) => Cause::TlsName,
        rustls::Error::InvalidCertificate(_) => Cause::TlsUntrusted,
        _ => Cause::Tls,
    }
}

/// The system's resolver knows no address for a host.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the name cannot be resolved")]
pub(super) struct NameNotResolved;

/// The system's resolver, with an error that can be told from others.
pub(super) struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let addresses = tokio::net::lookup_host((name.as_str(), 0)).await;
            let addresses: Vec<_> = addresses.map_err(|_| NameNotResolved)?.collect();
            let addresses: Addrs = Box::new(addresses.into_iter());
            Ok(addresses)
        })
    }
}
