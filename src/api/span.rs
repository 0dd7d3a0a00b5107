//! The tracing span of a request: what all its log records have in common.

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use tracing::Span;
use tracing::field::{Empty, display};
use tracing_actix_web::RootSpanBuilder;

use super::request_id;

/// Has neither the path, which can name a user, nor the query, headers or body.
pub struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let span = tracing::info_span!(
            "request",
            request.id = Empty,
            http.method = Empty,
            client.id = Empty
        );

        if !span.is_disabled() {
            let id = request_id::of(request);
            span.record("request.id", id.to_str().unwrap_or_default());
            span.record("http.method", display(request.method()));
        }

        span
    }

    /// The boundary logs how the request ended.
    fn on_request_end<B: MessageBody>(_: Span, _: &Result<ServiceResponse<B>, Error>) {}
}
