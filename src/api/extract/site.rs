//! Whether a browser sends a form from a page of this server.

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap};

use super::request::{Extract, Request};
use crate::api::error::ApiError;
use crate::api::openapi::Operation;

/// `Sec-Fetch-Site` (W3C Fetch Metadata). Browsers set it; pages cannot.
const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// Whether a page of this server sends the form, or a program that is no browser.
pub(crate) struct FromThisServer(pub(crate) bool);

impl Extract for FromThisServer {
    async fn extract(request: &mut Request<'_>) -> Result<Self, ApiError> {
        let origin = request.api.app.token_server.issuer.origin();
        Ok(Self(is_from(request.head, origin)))
    }

    /// Programs do not send these headers, so the document does not mention them.
    fn describe(_: &mut Operation<'_>) {}
}

fn is_from(request: &HttpRequest, origin: &str) -> bool {
    let headers = request.headers();

    // `none`: the user typed the address, or opened a bookmark.
    // What the browser itself says counts: under some referrer policies it sends `Origin: null` for its
    // own site's forms (Fetch standard, §3.2).
    if headers.contains_key(SEC_FETCH_SITE) {
        return all(headers, SEC_FETCH_SITE, |site| {
            site == "same-origin" || site == "none"
        });
    }

    all(headers, header::ORIGIN.as_str(), |named| named == origin)
}

/// Whether all values of a header are like this. It need not be there: a browser that knows neither
/// header is rare, and a program that sends none acts for nobody else.
fn all(headers: &HeaderMap, name: &str, is_right: impl Fn(&str) -> bool) -> bool {
    headers
        .get_all(name)
        .all(|value| value.to_str().is_ok_and(&is_right))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn another_site_is_told_from_this_server() {
        for (headers, expected) in [
            (&[][..], true),
            (&[("Sec-Fetch-Site", "same-origin")], true),
            (&[("Sec-Fetch-Site", "none")], true),
            (&[("Sec-Fetch-Site", "cross-site")], false),
            (&[("Sec-Fetch-Site", "same-site")], false),
            (&[("Origin", "https://id.test")], true),
            (&[("Origin", "https://evil.test")], false),
            (&[("Origin", "http://id.test")], false),
            (&[("Origin", "null")], false),
            (
                &[("Origin", "null"), ("Sec-Fetch-Site", "same-origin")],
                true,
            ),
            (
                &[
                    ("Origin", "https://id.test"),
                    ("Sec-Fetch-Site", "cross-site"),
                ],
                false,
            ),
        ] {
            let mut request = TestRequest::default();
            for header in headers {
                request = request.append_header(*header);
            }
            let request = request.to_http_request();
            assert_eq!(
                is_from(&request, "https://id.test"),
                expected,
                "{headers:?}"
            );
        }
    }
}
