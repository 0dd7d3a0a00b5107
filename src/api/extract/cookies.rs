//! The server's cookies, which recognise a browser. Only the endpoints of a log-in read them.

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderValue, InvalidHeaderValue};

use super::request::{Extract, Request};
use crate::api::error::ApiError;
use crate::api::openapi::Operation;
use crate::oauth::{Browser, BrowserCookie};
use crate::secret::SecretString;

const SESSION: &str = "countersign-session";
const RECOGNITION: &str = "countersign-browser";
/// A browser accepts a cookie with this prefix only from this host, over TLS and for the whole host
/// (RFC 6265bis §4.1.3.2).
const HOST_PREFIX: &str = "__Host-";
/// The longest value that is looked at.
const VALUE_BYTES_MAX: usize = 64;

/// The cookies of a browser.
pub(crate) struct Cookies(pub(crate) Browser);

impl Extract for Cookies {
    async fn extract(request: &mut Request<'_>) -> Result<Self, ApiError> {
        let secure = request.api.app.token_server.issuer.has_secure_cookies();

        Ok(Self(Browser {
            session: cookie(request.head, SESSION, secure),
            recognition: cookie(request.head, RECOGNITION, secure),
        }))
    }

    /// Clients do not use these cookies, so the document does not mention them.
    fn describe(_: &mut Operation<'_>) {}
}

/// The value of a cookie. None if there are two of one name: one of them is forged.
fn cookie(request: &HttpRequest, name: &str, secure: bool) -> Option<SecretString> {
    let name = with_prefix(name, secure);

    let lines = request
        .headers()
        .get_all(header::COOKIE)
        .filter_map(|value| value.to_str().ok());
    let pairs = lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));

    let mut values = pairs
        .filter(|(known, _)| *known == name)
        .map(|(_, value)| value);
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };

    (1..=VALUE_BYTES_MAX)
        .contains(&value.len())
        .then(|| SecretString::new(value.to_owned()))
}

fn with_prefix(name: &str, secure: bool) -> String {
    if secure {
        format!("{HOST_PREFIX}{name}")
    } else {
        name.to_owned()
    }
}

/// The value of `Set-Cookie`.
pub(crate) fn set_cookie(
    cookie: &BrowserCookie,
    secure: bool,
) -> Result<HeaderValue, InvalidHeaderValue> {
    let (name, value, lifetime) = match cookie {
        BrowserCookie::Session(value, lifetime) => (
            SESSION,
            value.expose(),
            format!("; Max-Age={}", lifetime.as_secs()),
        ),
        BrowserCookie::NoSession => (SESSION, "", "; Max-Age=0".to_owned()),
        BrowserCookie::Recognition(value) => (RECOGNITION, value.expose(), String::new()),
    };

    let name = with_prefix(name, secure);
    let tls_only = if secure { "; Secure" } else { "" };

    HeaderValue::from_str(&format!(
        "{name}={value}; Path=/{lifetime}; HttpOnly; SameSite=Lax{tls_only}"
    ))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn a_cookie_counts_if_its_name_is_exact_and_unique() {
        let found = |line: &str| {
            let request = TestRequest::get()
                .insert_header((header::COOKIE, line))
                .to_http_request();
            cookie(&request, SESSION, true).map(|value| value.expose().to_owned())
        };

        assert_eq!(
            found("a=b; __Host-countersign-session=x; c"),
            Some("x".to_owned())
        );

        for line in [
            "countersign-session=x",
            "__host-countersign-session=x",
            "x__Host-countersign-session=x",
            "__Host-countersign-session=",
            "__Host-countersign-session=x; __Host-countersign-session=y",
            "__Host-countersign-session",
            &format!("__Host-countersign-session={}", "x".repeat(65)),
        ] {
            assert_eq!(found(line), None, "{line}");
        }
    }

    #[test]
    fn scripts_and_other_sites_cannot_use_a_cookie() {
        let session = BrowserCookie::Session(
            SecretString::new("x".to_owned()),
            Duration::from_secs(2_592_000),
        );
        let recognition = BrowserCookie::Recognition(SecretString::new("y".to_owned()));

        let text = |cookie: &BrowserCookie, secure| {
            set_cookie(cookie, secure)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        };

        assert_eq!(
            text(&session, true),
            "__Host-countersign-session=x; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax; Secure"
        );

        assert_eq!(
            text(&recognition, false),
            "countersign-browser=y; Path=/; HttpOnly; SameSite=Lax"
        );
    }
}
