//! The languages that a browser prefers.

use actix_web::http::header;

use super::request::{Extract, Request};
use crate::api::error::ApiError;
use crate::api::openapi::Operation;

/// The value of `Accept-Language`, if the browser sends it.
pub(crate) struct AcceptLanguage(pub(crate) Option<String>);

impl Extract for AcceptLanguage {
    async fn extract(request: &mut Request<'_>) -> Result<Self, ApiError> {
        let value = request.head.headers().get(header::ACCEPT_LANGUAGE);
        let text = value.and_then(|value| value.to_str().ok());

        Ok(Self(text.map(str::to_owned)))
    }

    /// Browsers send it by themselves.
    fn describe(_: &mut Operation<'_>) {}
}
