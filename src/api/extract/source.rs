//! Where a request comes from: what quotas are counted by.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use actix_web::HttpRequest;
use actix_web::http::header::HeaderMap;
use ipnet::IpNet;

use super::request::{Extract, Request};
use crate::api::error::ApiError;
use crate::api::openapi::Operation;

const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// The address that a request comes from. An IPv6 address stands for its network of 64 bits, which is
/// one subscriber's.
pub(crate) struct Source(pub(crate) IpAddr);

impl Extract for Source {
    async fn extract(request: &mut Request<'_>) -> Result<Self, ApiError> {
        let trusted = &request.api.trusted_proxies;
        Ok(Self(subscriber(source(request.head, trusted))))
    }

    /// Nobody sends it on purpose, so the document does not mention it.
    fn describe(_: &mut Operation<'_>) {}
}

fn source(request: &HttpRequest, trusted: &[IpNet]) -> IpAddr {
    // A listener that is no network socket has no peers.
    let peer = request
        .peer_addr()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());

    forwarded(peer, request.headers(), trusted)
}

/// Each proxy adds the address that it was asked from. What stands before the first proxy that is not
/// ours, anybody may have written.
fn forwarded(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));

    let lines: Vec<&str> = headers
        .get_all(X_FORWARDED_FOR)
        .filter_map(|line| line.to_str().ok())
        .collect();
    let named = lines.iter().rev().flat_map(|line| line.rsplit(','));

    let mut source = peer.to_canonical();
    for address in named {
        if !is_trusted(&source) {
            break;
        }
        match address.trim().parse::<IpAddr>() {
            Ok(address) => source = address.to_canonical(),
            Err(_) => break,
        }
    }

    source
}

fn subscriber(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(network))
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn from(peer: &str, lines: &[&'static str]) -> String {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let mut headers = HeaderMap::new();
        for line in lines {
            let name = HeaderName::from_static(X_FORWARDED_FOR);
            headers.append(name, HeaderValue::from_static(line));
        }

        subscriber(forwarded(peer.parse().unwrap(), &headers, &trusted)).to_string()
    }

    #[test]
    fn only_our_own_proxies_are_believed() {
        for (peer, lines, expected) in [
            ("203.0.113.7", &[][..], "203.0.113.7"),
            ("203.0.113.7", &["198.51.100.1"], "203.0.113.7"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["192.0.2.9, 198.51.100.1"], "198.51.100.1"),
            (
                "10.0.0.1",
                &["192.0.2.9", "198.51.100.1, 10.0.0.2"],
                "198.51.100.1",
            ),
            ("10.0.0.1", &["198.51.100.1, unknown"], "10.0.0.1"),
            ("::ffff:10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("fd00::1", &["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::"),
            ("2001:db8::7", &["198.51.100.1"], "2001:db8::"),
        ] {
            assert_eq!(from(peer, lines), expected, "{peer} {lines:?}");
        }
    }
}
