//! The outermost layer: what holds for every request of whatever endpoint.

use std::panic::AssertUnwindSafe;

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse, ResponseError, web};
use futures_util::FutureExt as _;

use super::error::{ApiError, Area, Fault};
use super::request_id::{self, X_REQUEST_ID};
use super::routes::Matched;
use super::{Api, Gate};
use crate::clock::Stopwatch;

/// Lets a request in, has it answered whatever happens, dresses the answer and takes note of it.
pub async fn boundary(
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let stopwatch = Stopwatch::start();
    let id = request_id::of(&request);
    let method = request.method().clone();
    let Some(api) = request.app_data::<web::Data<Api>>().cloned() else {
        return Err(Failed(id).into());
    };
    match admit(api.gate(), request, next).await {
        Some(response) => {
            let response = dress(response, &id);
            let route = response
                .request()
                .app_data::<Matched>()
                .map_or("unmatched", |matched| matched.pattern);
            note(&api, route, &method, response.status(), stopwatch);
            Ok(response)
        }
        // The request is gone with the panic, and with that the route; the panic hook has told
        // where it was.
        None => {
            tracing::error!("a handler panicked");
            note(
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

/// Hands the request on if there is room for it. A handler that panics does not take the connection
/// with it: no answer.
async fn admit(
    gate: &Gate,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Option<ServiceResponse<BoxBody>> {
    let Some(_place) = gate.enter() else {
        let area = Area::of(request.path());
        return Some(
            request.into_response(ApiError::from_fault(&Fault::Busy, area).response(None)),
        );
    };
    AssertUnwindSafe(next.call(request))
        .catch_unwind()
        .await
        .ok()?
        .ok()
}

/// Headers of every answer; the request's id in problems.
fn dress(response: ServiceResponse<BoxBody>, id: &HeaderValue) -> ServiceResponse<BoxBody> {
    let error = response
        .response()
        .error()
        .and_then(Error::as_error::<ApiError>);
    let again = error
        .filter(|error| error.is_problem())
        .map(|error| error.response(id.to_str().ok()));
    let mut response = match again {
        Some(named) => response.into_response(named),
        None => response,
    };
    dress_headers(response.headers_mut(), id);
    response
}

fn dress_headers(headers: &mut HeaderMap, id: &HeaderValue) {
    headers.insert(X_REQUEST_ID, id.clone());
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value == "application/json")
    {
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json;charset=UTF-8"),
        );
    }
}

fn note(api: &Api, route: &'static str, method: &Method, status: StatusCode, stopwatch: Stopwatch) {
    let took = stopwatch.elapsed();
    api.app()
        .base
        .metrics
        .request_answered(route, method_label(method), status.as_u16(), took);
    let duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    tracing::info!(
        http.route = route,
        http.status = status.as_u16(),
        http.duration_us = duration_us,
        "request answered"
    );
}

/// Methods are the caller's to make up, labels are not.
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

/// A handler panicked.
#[derive(Debug)]
struct Failed(HeaderValue);

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a handler failed")
    }
}

impl ResponseError for Failed {
    fn error_response(&self) -> HttpResponse {
        let error = ApiError::from_fault(&Fault::Internal, Area::Other);
        let mut response = error.response(self.0.to_str().ok());
        dress_headers(response.headers_mut(), &self.0);
        response
    }
}
