//! Reading a body: of the right content type, not longer than the limit, and not for ever.

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use futures_util::future::{Either, poll_immediate, select};

use crate::api::Api;
use crate::api::error::Fault;

/// A content type an endpoint takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MediaType {
    /// `application/x-www-form-urlencoded`
    Form,
    /// `application/json`
    Json,
}

impl MediaType {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Form => "application/x-www-form-urlencoded",
            Self::Json => "application/json",
        }
    }

    /// Checks the request's content type. Without a body there need be none; a content coding is
    /// never accepted.
    fn check(self, request: &HttpRequest, body_expected: bool) -> Result<(), Fault> {
        let fault = Fault::MediaType {
            expected: self.as_str(),
        };
        if request.headers().contains_key(header::CONTENT_ENCODING) {
            return Err(fault);
        }
        let mut given = request.headers().get_all(header::CONTENT_TYPE);
        match (given.next(), given.next()) {
            (None, _) if !body_expected => Ok(()),
            (Some(value), None) if self.is(value) => Ok(()),
            _ => Err(fault),
        }
    }

    /// The essence only; a `charset`, where there is one, must be UTF-8.
    fn is(self, value: &header::HeaderValue) -> bool {
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

/// The request's body.
pub(crate) async fn read(
    api: &Api,
    request: &HttpRequest,
    payload: &mut Payload,
    media_type: MediaType,
) -> Result<Bytes, Fault> {
    let bytes_max = api.limits().body_bytes_max;
    let announced = announced_length(request);
    media_type.check(request, announced != Some(0))?;
    if announced.is_some_and(|length| length > bytes_max) {
        return Err(Fault::BodyTooLarge { bytes_max });
    }
    let mut collecting = Box::pin(collect(payload, bytes_max));
    // Most bodies arrive together with the head: no timer for those.
    if let Some(done) = poll_immediate(&mut collecting).await {
        return done;
    }
    let deadline = Box::pin(api.clock().sleep(api.limits().body_timeout));
    match select(collecting, deadline).await {
        Either::Left((done, _)) => done,
        Either::Right(_) => Err(Fault::BodyTooSlow),
    }
}

/// `Content-Length`; nothing for a chunked body, zero where there is none of either.
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
        None => Some(0).filter(|_| request.version() <= actix_web::http::Version::HTTP_11),
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
