//! The outermost layer: what every request needs, whichever endpoint it is for.

use std::panic::AssertUnwindSafe;

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{ConnectionType, Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpResponse, ResponseError, web};
use futures_util::FutureExt as _;

use super::context::Api;
use super::cors::{self, AskingClient};
use super::error::{ApiError, Area, Fault};
use super::gate::Gate;
use super::pages;
use super::request_id::{self, X_REQUEST_ID};
use super::routes::Matched;
use crate::clock::Stopwatch;
use crate::telemetry::logs::REQUESTS;

const DPOP: HeaderName = HeaderName::from_static("dpop");
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// Admits a request, makes sure that it is answered, adds the headers that every response has, and
/// counts and logs it.
pub async fn boundary(
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let stopwatch = Stopwatch::start();
    let id = request_id::of(&request);
    let method = request.method().clone();
    let offers_upgrade = request.head().upgrade();

    let Some(api) = request.app_data::<web::Data<Api>>().cloned() else {
        return Err(Failed(id).into());
    };

    match admit(&api.gate, request, next).await {
        Some(response) => {
            let response = match shown(&api, &response, &id) {
                Some(page) => response.into_response(page),
                None => response,
            };
            let mut response = complete(response, &id);
            // An upgrade is not taken (RFC 9110 §7.8). The HTTP server closes the connection after the
            // answer all the same, so the client must hear of that.
            if offers_upgrade {
                let head = response.response_mut().head_mut();
                head.set_connection_type(ConnectionType::Close);
            }

            let route = response
                .request()
                .app_data::<Matched>()
                .map_or("unmatched", |resource| resource.pattern);
            if cors::is_for_clients(route) {
                allow_reading(&api, &mut response);
            }
            name_nonce(&api, &mut response);

            record(&api, route, &method, response.status(), stopwatch);

            Ok(response)
        }
        // The panic took the request with it, so the route is unknown. The panic hook has logged
        // the place.
        None => {
            tracing::error!("a handler panicked");

            record(
                &api,
                "failed",
                &method,
                StatusCode::INTERNAL_SERVER_ERROR,
                stopwatch,
            );

            Err(Failed(id).into())
        }
    }
}

/// Lets a page of another origin read the answer, if it may.
fn allow_reading(api: &Api, response: &mut ServiceResponse<BoxBody>) {
    let request = response.request().clone();
    let extensions = request.extensions();
    let (origin, asking) = (
        request.headers().get(header::ORIGIN),
        extensions.get::<AskingClient>(),
    );

    let settings = api.app.base.settings.load();
    cors::allow_reading(response.headers_mut(), &settings, origin, asking);
}

/// The page that a browser shows instead of an error.
fn shown(api: &Api, response: &ServiceResponse<BoxBody>, id: &HeaderValue) -> Option<HttpResponse> {
    let request = response.request();
    let pattern = request.app_data::<Matched>()?.pattern;
    if !pages::error::is_shown(request, pattern) {
        return None;
    }

    let error = response.response().error()?.as_error::<ApiError>()?;
    let accept = request.headers().get(header::ACCEPT_LANGUAGE);
    let texts = api
        .pages
        .texts(None, accept.and_then(|value| value.to_str().ok()));
    let (code, description) = error.told();
    let id = id.to_str().unwrap_or_default();

    let page = pages::error::page(&api.pages, texts, error.status(), code, &description, id);
    Some(match error.retry_after_seconds() {
        Some(seconds) => page.retry_after(seconds).response(),
        None => page.response(),
    })
}

/// Tells a client that sends DPoP proofs what the next one has to contain (RFC 9449 §8.2).
fn name_nonce(api: &Api, response: &mut ServiceResponse<BoxBody>) {
    if !response.request().headers().contains_key(DPOP) {
        return;
    }

    let nonce = api.app.token_server.dpop_nonce();
    let nonce = nonce.and_then(|nonce| HeaderValue::from_str(&nonce).ok());
    if let Some(nonce) = nonce {
        response.headers_mut().insert(DPOP_NONCE, nonce);
    }
}

/// Passes the request on if there is a place for it. None if the handler panicked: the connection
/// outlives the panic.
async fn admit(
    gate: &Gate,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Option<ServiceResponse<BoxBody>> {
    let Some(_place) = gate.enter() else {
        let area = Area::of(request.path());
        let error = ApiError::from(Fault::Busy).shaped(area);
        return Some(request.into_response(error.response(None)));
    };

    AssertUnwindSafe(next.call(request))
        .catch_unwind()
        .await
        .ok()?
        .ok()
}

/// Adds the request's id to a problem, and the headers.
fn complete(response: ServiceResponse<BoxBody>, id: &HeaderValue) -> ServiceResponse<BoxBody> {
    let error = response
        .response()
        .error()
        .and_then(Error::as_error::<ApiError>);
    let with_id = error
        .filter(|error| error.is_problem())
        .map(|error| error.response(id.to_str().ok()));

    let mut response = match with_id {
        Some(with_id) => response.into_response(with_id),
        None => response,
    };
    add_headers(response.headers_mut(), id);

    response
}

fn add_headers(headers: &mut HeaderMap, id: &HeaderValue) {
    headers.insert(X_REQUEST_ID, id.clone());
    // Only what says so itself may be stored.
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }

    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );

    let is_json = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value == "application/json");

    if is_json {
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json;charset=UTF-8"),
        );
    }
}

/// Health checks and metrics.
const PROBES: [&str; 3] = ["/livez", "/readyz", "/metrics"];

/// Counts a request, and logs it unless it is a probe.
fn record(
    api: &Api,
    route: &'static str,
    method: &Method,
    status: StatusCode,
    stopwatch: Stopwatch,
) {
    let took = stopwatch.elapsed();
    api.app
        .base
        .metrics
        .request_answered(route, method_label(method), status.as_u16(), took);

    // Machines ask again and again, and nobody wants to read it.
    if PROBES.contains(&route) {
        return;
    }

    let duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    tracing::info!(
        target: REQUESTS,
        {
            http.route = route,
            http.status = status.as_u16(),
            http.duration_us = duration_us,
        },
        "request answered"
    );
}

/// The method as a label. Callers can make up methods, but must not create labels.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::PATCH => "PATCH",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// The request could not be handled: a handler panicked, or the server is put together wrong.
#[derive(Debug)]
struct Failed(HeaderValue);

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a handler failed")
    }
}

impl ResponseError for Failed {
    fn error_response(&self) -> HttpResponse {
        let mut response = ApiError::from(Fault::Internal).response(self.0.to_str().ok());
        add_headers(response.headers_mut(), &self.0);

        response
    }
}
