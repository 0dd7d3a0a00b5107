//! `Idempotency-Key`.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderName;

use super::request::{Extract, Request};
use crate::api::error::{ApiError, Fault};
use crate::api::openapi::Operation;
use crate::ids::ClientId;
use crate::transactions::IdempotencyKey;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const KEY_BYTES_MAX: usize = 255;

/// The key, if there is one, and the first line of its request.
pub(crate) struct IdempotencyHeader(Option<(String, Vec<u8>)>);

impl IdempotencyHeader {
    /// The key of a client for a request with this body.
    pub(crate) fn of(self, client_id: &ClientId, body: &[u8]) -> Option<IdempotencyKey> {
        let (key, mut request) = self.0?;
        request.extend_from_slice(body);

        Some(IdempotencyKey {
            key,
            request,
            client_id: client_id.clone(),
        })
    }
}

impl Extract for IdempotencyHeader {
    async fn extract(request: &mut Request<'_>) -> Result<Self, ApiError> {
        Ok(read(request.head)?)
    }

    fn describe(operation: &mut Operation<'_>) {
        operation.header(
            "Idempotency-Key",
            "1 to 255 visible ASCII characters. For 24 hours, the same key with the same request \
             gets the first response again, with `Idempotent-Replayed: true`, and nothing is sent. \
             The same key with another request is refused.",
        );

        operation.error(
            StatusCode::CONFLICT,
            "The first request with this `Idempotency-Key` is still running.",
        );

        operation.error(
            StatusCode::UNPROCESSABLE_ENTITY,
            "Another request had this `Idempotency-Key`.",
        );
    }
}

fn read(request: &HttpRequest) -> Result<IdempotencyHeader, Fault> {
    let mut values = request.headers().get_all(IDEMPOTENCY_KEY);
    let key = match (values.next(), values.next()) {
        (None, _) => return Ok(IdempotencyHeader(None)),
        (Some(value), None) => value.to_str().ok().filter(|key| is_key(key)),
        (Some(_), Some(_)) => None,
    };

    let problem = "must be given once, with 1 to 255 visible ASCII characters";
    let key = key.ok_or_else(|| Fault::parameter("Idempotency-Key", problem))?;

    let line = format!("{} {}\n", request.method(), request.path());
    Ok(IdempotencyHeader(Some((key.to_owned(), line.into_bytes()))))
}

fn is_key(text: &str) -> bool {
    (1..=KEY_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}
