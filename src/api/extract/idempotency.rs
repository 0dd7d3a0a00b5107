//! `Idempotency-Key`.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::HeaderName;
use actix_web::{FromRequest, HttpRequest};

use crate::api::error::{ApiError, Fault};
use crate::ids::ClientId;
use crate::transactions::IdempotencyKey;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const KEY_BYTES_MAX: usize = 255;

/// The header, and the line of the request it came with.
pub(crate) struct IdempotencyHeader(Option<(String, Vec<u8>)>);

impl IdempotencyHeader {
    /// The key of this client's request with this body.
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

impl FromRequest for IdempotencyHeader {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(read(request).map_err(|fault| super::fault(request, &fault)))
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
