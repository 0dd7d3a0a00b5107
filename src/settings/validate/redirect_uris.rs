//! Where authorization answers may go: RFC 6749 §3.1.2, RFC 8252 §7, RFC 9700 §2.1.

use std::collections::HashSet;

use url::Url;

use super::{Problems, has_uri_characters};
use crate::config::is_loopback;

const COUNT_MAX: usize = 10;
const BYTES_MAX: usize = 2_048;

/// Whose they are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// Its own scheme may be any that browsers do not run.
    Application,
    /// A scheme of its own is a host name backwards, as RFC 8252 §7.1 asks: it has a dot.
    WebClient,
}

pub(super) fn check(uris: &[String], of: Of, problems: &mut Problems) {
    problems.check(
        uris.len() <= COUNT_MAX,
        "redirect_uris",
        format!("must be at most {COUNT_MAX}"),
    );

    let problem = match of {
        Of::Application => {
            "must be an absolute URI without fragment: of an app's own scheme, https, or http on loopback"
        }
        Of::WebClient => {
            "must be an absolute URI without fragment: https, http on loopback, or of an own scheme with a dot"
        }
    };

    let mut seen = HashSet::new();

    for (index, uri) in uris.iter().enumerate() {
        let field = format!("redirect_uris[{index}]");
        problems.check(
            uri.len() <= BYTES_MAX,
            field.clone(),
            format!("must have at most {BYTES_MAX} bytes"),
        );
        problems.check(seen.insert(uri), field.clone(), "is there twice");
        problems.check(is_redirect_uri(uri, of), field, problem);
    }
}

fn is_redirect_uri(uri: &str, of: Of) -> bool {
    const RUN_BY_BROWSERS: [&str; 6] = ["about", "blob", "data", "file", "javascript", "vbscript"];
    let Ok(url) = Url::parse(uri) else {
        return false;
    };
    let scheme_fits = match url.scheme() {
        "https" => names_host(uri),
        "http" => names_host(uri) && is_loopback(&url),
        scheme => match of {
            Of::Application => !RUN_BY_BROWSERS.contains(&scheme),
            Of::WebClient => scheme.contains('.'),
        },
    };

    let plain = url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
    scheme_fits && plain && has_uri_characters(uri)
}

/// `https:host` and `https:///host` are read like `https://host` by browsers, but are no such
/// addresses.
fn names_host(uri: &str) -> bool {
    uri.split_once("://")
        .is_some_and(|(_, rest)| !rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_own_scheme_may_be_depends_on_whose_it_is() {
        for (uri, application, web_client) in [
            ("https://shop.example/cb?x=1", true, true),
            ("https://shop.example", true, true),
            ("http://127.0.0.1:3000/cb", true, true),
            ("http://[::1]/cb", true, true),
            ("http://localhost/cb", true, true),
            ("com.example.shop:/cb", true, true),
            ("com.example.shop://cb", true, true),
            ("bank://login", true, false),
            ("http://shop.example/cb", false, false),
            ("http://localhost.shop.example/cb", false, false),
            ("https:shop.example/cb", false, false),
            ("https:///shop.example", false, false),
            ("https://me:secret@shop.example/cb", false, false),
            ("https://shop.example/cb#x", false, false),
            ("https://shop.example/cb#", false, false),
            ("https://shop.example\\@evil.test/", false, false),
            (" https://shop.example/cb", false, false),
            ("https://shöp.example/cb", false, false),
            ("javascript:alert(1)", false, false),
            ("data:text/html,x", false, false),
            ("/cb", false, false),
            ("", false, false),
        ] {
            assert_eq!(is_redirect_uri(uri, Of::Application), application, "{uri}");
            assert_eq!(is_redirect_uri(uri, Of::WebClient), web_client, "{uri}");
        }
    }
}
