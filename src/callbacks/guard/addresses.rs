//! Tells public IP addresses from others.

use std::net::IpAddr;
use std::sync::LazyLock;

use ipnet::{Ipv4Net, Ipv6Net};

/// The IPv4 networks that are not part of the public internet (IANA special-purpose registry),
/// including multicast and reserved ones.
const NOT_PUBLIC_V4: &[&str] = &[
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.31.196.0/24",
    "192.52.193.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "192.175.48.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
];

/// Global unicast IPv6. Everything else (mapped IPv4, NAT64, unique local, link-local, multicast) is
/// not public.
const GLOBAL_V6: &str = "2000::/3";

/// Special networks inside [`GLOBAL_V6`]: protocol assignments with Teredo and ORCHID,
/// documentation, 6to4, AS112.
const NOT_PUBLIC_V6: &[&str] = &[
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "2620:4f:8000::/48",
    "3fff::/20",
];

struct Networks {
    not_public_v4: Vec<Ipv4Net>,
    global_v6: Option<Ipv6Net>,
    not_public_v6: Vec<Ipv6Net>,
}

static NETWORKS: LazyLock<Networks> = LazyLock::new(|| Networks {
    not_public_v4: NOT_PUBLIC_V4
        .iter()
        .filter_map(|text| text.parse().ok())
        .collect(),
    global_v6: GLOBAL_V6.parse().ok(),
    not_public_v6: NOT_PUBLIC_V6
        .iter()
        .filter_map(|text| text.parse().ok())
        .collect(),
});

/// Whether an address is part of the public internet.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !NETWORKS
            .not_public_v4
            .iter()
            .any(|network| network.contains(&address)),
        IpAddr::V6(address) => {
            NETWORKS
                .global_v6
                .is_some_and(|network| network.contains(&address))
                && !NETWORKS
                    .not_public_v6
                    .iter()
                    .any(|network| network.contains(&address))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_networks_of_the_tables_parse() {
        assert_eq!(NETWORKS.not_public_v4.len(), NOT_PUBLIC_V4.len());
        assert_eq!(NETWORKS.not_public_v6.len(), NOT_PUBLIC_V6.len());
        assert!(NETWORKS.global_v6.is_some());
    }

    #[test]
    fn addresses_at_the_edges_of_networks_are_classified() {
        let public = [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2600::1",
            "2a00:1450::1",
            "2001:4860::1",
            "3ffe:ffff::1",
        ];

        let special = [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.0",
            "10.255.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:8.8.8.8",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ];

        for text in public {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }

        for text in special {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
    }
}
