//! Cross-origin requests (the Fetch standard, §3.3): which pages in a browser may use the endpoints of
//! OAuth, and read the answers.
//!
//! Discovery and keys are everybody's ([`public_json`](super::reply::public_json)). The others are for
//! the origins of the client that asks.

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::ids::ClientId;
use crate::settings::Settings;

/// What single-page applications call.
const FOR_CLIENTS: [&str; 3] = ["/oauth/token", "/oauth/revoke", "/oauth/userinfo"];
const FOR_ALL: [&str; 3] = [
    "/oauth/keys",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
];

/// Besides those that every page may send.
const REQUEST_HEADERS: HeaderValue =
    HeaderValue::from_static("Authorization, Content-Type, DPoP, X-Request-Id");
/// Besides those that every page may read.
const RESPONSE_HEADERS: HeaderValue =
    HeaderValue::from_static("DPoP-Nonce, Retry-After, WWW-Authenticate, X-Request-Id");
/// How long a browser remembers what it may send, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// The client that a request names. Requests carry it as an extension.
pub(crate) struct AskingClient(pub(crate) String);

/// Whether [`allow_reading`] decides who may read the answers of this endpoint.
pub(super) fn is_for_clients(pattern: &str) -> bool {
    FOR_CLIENTS.contains(&pattern)
}

/// Lets the page read the answer, if it may.
pub(super) fn allow_reading(
    headers: &mut HeaderMap,
    settings: &Settings,
    origin: Option<&HeaderValue>,
    asking: Option<&AskingClient>,
) {
    // A stored answer for one origin is of no use to another.
    headers.append(header::VARY, HeaderValue::from_static("Origin"));

    if let Some(origin) = origin.filter(|origin| is_allowed(settings, origin, asking)) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, RESPONSE_HEADERS);
    }
}

/// The answer to a browser that asks whether a page may send a request with these methods. `None`
/// where it asks for something else, or the page may not.
pub(super) fn preflight(
    request: &HeaderMap,
    settings: &Settings,
    pattern: &str,
    methods: &str,
) -> Option<HttpResponse> {
    let origin = request.get(header::ORIGIN)?;
    request.get(header::ACCESS_CONTROL_REQUEST_METHOD)?;

    let is_allowed =
        FOR_ALL.contains(&pattern) || is_for_clients(pattern) && is_allowed(settings, origin, None);
    if !is_allowed {
        return None;
    }

    let mut response = HttpResponse::NoContent().finish();
    let headers: [(HeaderName, HeaderValue); 4] = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone()),
        (
            header::ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_str(methods).ok()?,
        ),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS),
        (header::ACCESS_CONTROL_MAX_AGE, MAX_AGE),
    ];
    for (name, value) in headers {
        response.headers_mut().insert(name, value);
    }
    response
        .headers_mut()
        .insert(header::VARY, HeaderValue::from_static("Origin"));

    Some(response)
}

/// Whether pages of this origin may ask in the name of this client, or of any.
fn is_allowed(settings: &Settings, origin: &HeaderValue, asking: Option<&AskingClient>) -> bool {
    let Ok(origin) = origin.to_str() else {
        return false;
    };

    match asking {
        Some(AskingClient(id)) => ClientId::new(id)
            .ok()
            .and_then(|id| settings.web_clients.get(&id))
            .is_some_and(|client| client.allows_origin(origin)),
        None => settings
            .web_clients
            .values()
            .any(|client| client.allows_origin(origin)),
    }
}
