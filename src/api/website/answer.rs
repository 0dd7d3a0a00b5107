//! Answers of what is carried out once for each `Idempotency-Key`.

use actix_web::HttpResponse;
use actix_web::http::header::{HeaderName, HeaderValue};

use crate::api::error::ApiError;
use crate::transactions::Answer;

const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The response to an answer, marked where it was given before.
pub(super) fn respond<T>(
    answer: Answer<T>,
    respond: impl FnOnce(T) -> HttpResponse,
) -> HttpResponse {
    let mut response = match answer.result {
        Ok(value) => respond(value),
        Err(error) => ApiError::from(error).response(None),
    };
    if answer.replayed {
        response
            .headers_mut()
            .insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
    response
}
