//! `X-Request-Id`: the one that the caller sent, if it is harmless, else a new one. Responses, the
//! log and problem documents name it.

use actix_web::HttpMessage as _;
use actix_web::dev::ServiceRequest;
use actix_web::http::header::{HeaderName, HeaderValue};

pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const CHARACTERS_MAX: usize = 128;

/// The id of a request.
pub(crate) fn of(request: &ServiceRequest) -> HeaderValue {
    if let Some(sent) = request
        .headers()
        .get(X_REQUEST_ID)
        .filter(|sent| is_harmless(sent.as_bytes()))
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

/// Whether the id can stand in a header, a log line and a URL as it is.
fn is_harmless(id: &[u8]) -> bool {
    (1..=CHARACTERS_MAX).contains(&id.len())
        && id
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::is_harmless;

    #[test]
    fn only_harmless_ids_are_repeated() {
        for id in ["a", "A-1_b.2", &"x".repeat(128)] {
            assert!(is_harmless(id.as_bytes()), "{id}");
        }

        for id in ["", "a b", "a\"", "ä", "a/b", &"x".repeat(129)] {
            assert!(!is_harmless(id.as_bytes()), "{id}");
        }
    }
}
