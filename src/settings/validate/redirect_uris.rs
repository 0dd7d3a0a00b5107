//! Validates redirect URIs: RFC 6749 §3.1.2, RFC 8252 §7, RFC 9700 §2.1.

use std::collections::HashSet;

use url::Url;

use super::problems::{Problems, has_uri_characters};
use crate::config::is_loopback;

const COUNT_MAX: usize = 10;
const BYTES_MAX: usize = 2_048;

/// Whose redirect URIs they are, which determines the private-use schemes that are allowed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// Any scheme that browsers do not handle themselves.
    Application,
    /// Schemes with a dot: a reversed domain name, as RFC 8252 §7.1 requires.
    WebClient,
}

/// Checks the addresses in `field`.
pub(super) fn check(field: &'static str, uris: &[String], owner: Owner, problems: &mut Problems) {
    problems.check(
        uris.len() <= COUNT_MAX,
        field,
        format!("must be at most {COUNT_MAX}"),
    );

    let problem = match owner {
        Owner::Application => {
            "must be an absolute URI without fragment: the app's own scheme, https, or http on loopback"
        }
        Owner::WebClient => {
            "must be an absolute URI without fragment: https, http on loopback, or an own scheme with a dot"
        }
    };

    let mut seen = HashSet::new();

    for (index, uri) in uris.iter().enumerate() {
        let field = format!("{field}[{index}]");
        problems.check(
            uri.len() <= BYTES_MAX,
            field.clone(),
            format!("must have at most {BYTES_MAX} bytes"),
        );

        problems.check(seen.insert(uri), field.clone(), "is listed twice");
        problems.check(is_redirect_uri(uri, owner), field, problem);
    }
}

fn is_redirect_uri(uri: &str, owner: Owner) -> bool {
    const BROWSER_SCHEMES: [&str; 6] = ["about", "blob", "data", "file", "javascript", "vbscript"];

    let Ok(url) = Url::parse(uri) else {
        return false;
    };
    let scheme_fits = match url.scheme() {
        "https" => has_authority(uri),
        // On any other host the code would travel in the clear.
        "http" => has_authority(uri) && is_loopback(&url),
        scheme => match owner {
            Owner::Application => !BROWSER_SCHEMES.contains(&scheme),
            // Any app may claim any scheme. A domain name at least says whose it should be.
            Owner::WebClient => scheme.contains('.'),
        },
    };

    let plain = url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
    // Compared as text later on, so that what a parser would repair must not get in.
    scheme_fits && plain && has_uri_characters(uri)
}

/// Whether `://` is followed by a host. Browsers and [`Url`] treat `https:host` and `https:///host`
/// like `https://host`; other libraries do not.
fn has_authority(uri: &str) -> bool {
    uri.split_once("://")
        .is_some_and(|(_, rest)| !rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allowed_schemes_depend_on_the_owner() {
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
            assert_eq!(
                is_redirect_uri(uri, Owner::Application),
                application,
                "{uri}"
            );

            assert_eq!(is_redirect_uri(uri, Owner::WebClient), web_client, "{uri}");
        }
    }
}
