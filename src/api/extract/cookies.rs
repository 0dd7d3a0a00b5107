//! The server's own cookies: what a browser is recognised by. Nothing but the pages of a log-in
//! looks at them.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderValue, InvalidHeaderValue};
use actix_web::{FromRequest, HttpRequest};

use crate::api::error::ApiError;
use crate::oauth::{Browser, BrowserCookie, SESSION_TIME_TO_LIVE};
use crate::secret::SecretString;

const SESSION: &str = "countersign-session";
const RECOGNITION: &str = "countersign-browser";
/// Browsers take such a cookie from this host only, over TLS only, for the whole host (RFC 6265bis
/// §4.1.3.2).
const HOST_PREFIX: &str = "__Host-";
/// The longest value that is looked at, in bytes.
const VALUE_BYTES_MAX: usize = 64;

/// What the browser has kept.
pub(crate) struct Cookies(pub(crate) Browser);

impl FromRequest for Cookies {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(super::api(request).map(|api| {
            let secure = api.app().token_server.issuer.has_secure_cookies();
            let session = cookie(request, SESSION, secure);
            Self(Browser {
                session,
                recognition: cookie(request, RECOGNITION, secure),
            })
        }))
    }
}

/// The value of a cookie; of two of one name neither counts.
fn cookie(request: &HttpRequest, name: &str, secure: bool) -> Option<SecretString> {
    let name = named(name, secure);
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
    let value = values
        .next()
        .filter(|value| (1..=VALUE_BYTES_MAX).contains(&value.len()))?;
    values
        .next()
        .is_none()
        .then(|| SecretString::new(value.to_owned()))
}

fn named(name: &str, secure: bool) -> String {
    if secure {
        format!("{HOST_PREFIX}{name}")
    } else {
        name.to_owned()
    }
}

/// The `Set-Cookie` of a cookie.
pub(crate) fn set_cookie(
    cookie: &BrowserCookie,
    secure: bool,
) -> Result<HeaderValue, InvalidHeaderValue> {
    let (name, value, lifetime) = match cookie {
        BrowserCookie::Session(value) => (
            SESSION,
            value,
            format!("; Max-Age={}", SESSION_TIME_TO_LIVE.as_secs()),
        ),
        BrowserCookie::Recognition(value) => (RECOGNITION, value, String::new()),
    };
    let name = named(name, secure);
    let tls_only = if secure { "; Secure" } else { "" };
    HeaderValue::from_str(&format!(
        "{name}={}; Path=/{lifetime}; HttpOnly; SameSite=Lax{tls_only}",
        value.expose()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn a_cookie_is_found_by_its_whole_name_and_once() {
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
    fn a_cookie_is_kept_from_scripts_and_other_sites() {
        let session = BrowserCookie::Session(SecretString::new("x".to_owned()));
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
