//! `X-Request-Id`: what the caller sent, if it is sane, else a fresh one. It is in the answer, in
//! the log and in problems.

use actix_web::HttpMessage as _;
use actix_web::dev::ServiceRequest;
use actix_web::http::header::{HeaderName, HeaderValue};

/// The header.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const CHARACTERS_MAX: usize = 128;

/// The id of a request.
pub(crate) fn of(request: &ServiceRequest) -> HeaderValue {
    if let Some(sent) = request
        .headers()
        .get(X_REQUEST_ID)
        .filter(|sent| is_sane(sent.as_bytes()))
    {
        return sent.clone();
    }
    let fresh = request
        .extensions()
        .get::<tracing_actix_web::RequestId>()
        .map(ToString::to_string);
    fresh
        .and_then(|id| HeaderValue::try_from(id).ok())
        .unwrap_or_else(|| HeaderValue::from_static("-"))
}

/// Nothing but what can stand in a header, a log line and a URL as it is.
fn is_sane(id: &[u8]) -> bool {
    (1..=CHARACTERS_MAX).contains(&id.len())
        && id
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::is_sane;

    #[test]
    fn only_harmless_ids_are_repeated() {
        for sane in ["a", "A-1_b.2", &"x".repeat(128)] {
            assert!(is_sane(sane.as_bytes()), "{sane}");
        }
        for insane in ["", "a b", "a\"", "ä", "a/b", &"x".repeat(129)] {
            assert!(!is_sane(insane.as_bytes()), "{insane}");
        }
    }
}
