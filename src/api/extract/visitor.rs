//! Who looks at a page.

use super::cookies::Cookies;
use super::language::AcceptLanguage;
use super::request::{Extract, Request};
use super::source::Source;
use crate::api::error::ApiError;
use crate::api::openapi::Operation;

/// A user's browser: what it prefers, what recognises it, and where it is.
pub(crate) struct Visitor {
    pub(crate) language: AcceptLanguage,
    pub(crate) cookies: Cookies,
    pub(crate) source: Source,
}

impl Extract for Visitor {
    async fn extract(request: &mut Request<'_>) -> Result<Self, ApiError> {
        Ok(Self {
            language: AcceptLanguage::extract(request).await?,
            cookies: Cookies::extract(request).await?,
            source: Source::extract(request).await?,
        })
    }

    fn describe(operation: &mut Operation<'_>) {
        AcceptLanguage::describe(operation);
        Cookies::describe(operation);
        Source::describe(operation);
    }
}
