//! What a website tells of the user's browser. It is context, and never stops a start: what cannot be
//! read is left out, what is too long is cut.

use std::net::{IpAddr, SocketAddr};

/// The longest `User-Agent` that is kept, in bytes. Browsers send a few hundred.
const USER_AGENT_BYTES_MAX: usize = 1024;

/// The address in what frameworks call one: with a port, in brackets, with a zone, or the first of the
/// list of an `X-Forwarded-For`.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    let first = text.split(',').next()?.trim().trim_matches('"');
    if let Ok(with_port) = first.parse::<SocketAddr>() {
        return Some(with_port.ip().to_canonical());
    }

    let bare = first.trim_start_matches('[').trim_end_matches(']');
    let without_zone = bare.split('%').next()?;
    without_zone
        .parse::<IpAddr>()
        .ok()
        .map(|ip| ip.to_canonical())
}

/// A `User-Agent` without control characters, cut.
pub(super) fn user_agent(text: &str) -> Option<String> {
    let mut kept: String = text.chars().filter(|c| !c.is_control()).collect();
    let end = (0..=USER_AGENT_BYTES_MAX.min(kept.len()))
        .rev()
        .find(|end| kept.is_char_boundary(*end))?;
    kept.truncate(end);

    Some(kept).filter(|kept| !kept.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_in_what_frameworks_give() {
        for (text, expected) in [
            ("192.0.2.1", "192.0.2.1"),
            (" 192.0.2.1 ", "192.0.2.1"),
            ("192.0.2.1:50123", "192.0.2.1"),
            ("192.0.2.1, 198.51.100.7", "192.0.2.1"),
            ("192.0.2.1:1,198.51.100.7", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("\"[2001:db8::1]:443\"", "2001:db8::1"),
            ("fe80::1%eth0", "fe80::1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
        ] {
            assert_eq!(address(text), expected.parse().ok(), "{text}");
        }

        for text in [
            "",
            "unknown",
            "_hidden",
            "example.com",
            "1.2.3",
            "300.1.1.1",
            ",",
            "[]",
        ] {
            assert_eq!(address(text), None, "{text}");
        }
    }

    #[test]
    fn a_user_agent_is_cut_between_characters() {
        assert_eq!(user_agent("Mozilla/5.0").as_deref(), Some("Mozilla/5.0"));
        assert_eq!(user_agent("a\0b\r\nc").as_deref(), Some("abc"));
        assert_eq!(user_agent(" \t"), None);
        let long = user_agent(&"é".repeat(1000)).unwrap();
        assert_eq!(long, "é".repeat(512));
    }
}
