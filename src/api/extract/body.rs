//! Reading a body: only of the right content type, up to a length, for a limited time.

use std::pin::pin;

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::http::{Version, header};
use actix_web::web::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use futures_util::future::{Either, poll_immediate, select};

use super::request::Request;
use crate::api::error::Fault;

/// A content type that endpoints take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MediaType {
    Form,
    Json,
}

impl MediaType {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Form => "application/x-www-form-urlencoded",
            Self::Json => "application/json",
        }
    }

    /// Checks the content type of a request, which may be missing if there is no body. Content
    /// codings are not supported: `identity` is none.
    fn check(self, request: &HttpRequest, body_expected: bool) -> Result<(), Fault> {
        let fault = Fault::MediaType {
            expected: self.as_str(),
        };

        let mut codings = request.headers().get_all(header::CONTENT_ENCODING);
        if !codings.all(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
            return Err(fault);
        }

        let mut given = request.headers().get_all(header::CONTENT_TYPE);

        match (given.next(), given.next()) {
            (None, _) if !body_expected => Ok(()),
            (Some(value), None) if self.matches(value) => Ok(()),
            _ => Err(fault),
        }
    }

    /// Compares type and subtype. If there is a `charset`, it must be UTF-8.
    fn matches(self, value: &header::HeaderValue) -> bool {
        let Ok(text) = value.to_str() else {
            return false;
        };

        let mut parts = text.split(';');
        let essence = parts.next().unwrap_or_default().trim();

        essence.eq_ignore_ascii_case(self.as_str())
            && parts.all(|parameter| match parameter.trim().split_once('=') {
                Some((name, charset)) if name.eq_ignore_ascii_case("charset") => {
                    charset.trim_matches('"').eq_ignore_ascii_case("utf-8")
                }
                _ => true,
            })
    }
}

/// Reads the body of a request.
pub(super) async fn read(request: &mut Request<'_>, media_type: MediaType) -> Result<Bytes, Fault> {
    let limits = request.api.limits;
    let bytes_max = limits.body_bytes_max;

    let announced = announced_length(request.head);
    media_type.check(request.head, announced != Some(0))?;

    if announced.is_some_and(|length| length > bytes_max) {
        return Err(Fault::BodyTooLarge { bytes_max });
    }

    let mut collecting = pin!(collect(&mut request.payload, bytes_max));

    // Most bodies arrive together with the head. They need no timer.
    if let Some(result) = poll_immediate(collecting.as_mut()).await {
        return result;
    }

    let deadline = pin!(request.api.app.base.clock.sleep(limits.body_timeout));

    match select(collecting, deadline).await {
        Either::Left((result, _)) => result,
        Either::Right(_) => Err(Fault::BodyTooSlow),
    }
}

/// The length by `Content-Length`. None for a chunked body, zero if neither header is there.
fn announced_length(request: &HttpRequest) -> Option<usize> {
    let headers = request.headers();

    match headers.get(header::CONTENT_LENGTH) {
        Some(length) => Some(
            length
                .to_str()
                .ok()
                .and_then(|text| text.parse().ok())
                .unwrap_or(usize::MAX),
        ),
        None if headers.contains_key(header::TRANSFER_ENCODING) => None,
        // HTTP/2 needs neither header for a body.
        None => Some(0).filter(|_| request.version() <= Version::HTTP_11),
    }
}

async fn collect(payload: &mut Payload, bytes_max: usize) -> Result<Bytes, Fault> {
    let mut body = BytesMut::new();

    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Fault::MalformedBody("The body ended early.".into()))?;
        if body.len() + chunk.len() > bytes_max {
            return Err(Fault::BodyTooLarge { bytes_max });
        }
        body.extend_from_slice(&chunk);
    }

    Ok(body.freeze())
}
