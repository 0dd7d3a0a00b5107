//! Replies to requests that are carried out once for each `Idempotency-Key`.

use actix_web::HttpResponse;
use actix_web::http::header::{HeaderName, HeaderValue};

use crate::api::error::ApiError;
use crate::api::openapi::Operation;
use crate::api::reply::Reply;
use crate::transactions::Answer;

const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// A reply, or an error, that the first request with the key may have had before.
pub(super) struct Idempotent<R> {
    result: Result<R, ApiError>,
    replayed: bool,
}

impl<R> Idempotent<R> {
    pub(super) fn new<T>(answer: Answer<T>, reply: impl FnOnce(T) -> R) -> Self {
        Self {
            result: answer.result.map(reply).map_err(ApiError::from),
            replayed: answer.replayed,
        }
    }
}

impl<R: Reply> Reply for Idempotent<R> {
    fn into_response(self) -> Result<HttpResponse, ApiError> {
        let result = self.result.and_then(Reply::into_response);
        let mut response = result.unwrap_or_else(|error| error.response(None));

        if self.replayed {
            response
                .headers_mut()
                .insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
        }

        Ok(response)
    }

    fn describe(operation: &mut Operation<'_>) {
        R::describe(operation);
    }
}
