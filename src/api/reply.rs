//! What handlers return if all went well.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use super::error::ApiError;
use super::extract::Json;
use super::openapi::Operation;
use super::pages::Page;

/// A response that describes itself.
pub(crate) trait Reply {
    fn into_response(self) -> Result<HttpResponse, ApiError>;

    /// Describes the statuses and bodies of the response.
    fn describe(operation: &mut Operation<'_>);
}

impl<R: Reply> Reply for Result<R, ApiError> {
    fn into_response(self) -> Result<HttpResponse, ApiError> {
        self?.into_response()
    }

    fn describe(operation: &mut Operation<'_>) {
        R::describe(operation);
    }
}

/// `200` with a JSON body.
impl<T: Serialize + ToSchema> Reply for Json<T> {
    fn into_response(self) -> Result<HttpResponse, ApiError> {
        Ok(HttpResponse::Ok().json(self.0))
    }

    fn describe(operation: &mut Operation<'_>) {
        operation.success::<T>(StatusCode::OK);
    }
}

impl Reply for Page {
    fn into_response(self) -> Result<HttpResponse, ApiError> {
        Ok(self.response())
    }

    fn describe(operation: &mut Operation<'_>) {
        operation.other_response(StatusCode::OK, "A page.", Some("text/html"));
    }
}

/// How long what hardly ever changes may be stored. Not longer than a new key is published before it
/// signs.
const PUBLIC_MAX_AGE: &str = "public, max-age=300";

/// `200` with JSON that everybody may read, the pages of any origin included, and store for a while.
pub(crate) fn public_json(body: impl Serialize) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, PUBLIC_MAX_AGE))
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .json(body)
}

/// What [`public_json`] answers.
pub(crate) struct Cacheable<T>(pub(crate) T);

impl<T: Serialize + ToSchema> Reply for Cacheable<T> {
    fn into_response(self) -> Result<HttpResponse, ApiError> {
        Ok(public_json(self.0))
    }

    fn describe(operation: &mut Operation<'_>) {
        operation.success::<T>(StatusCode::OK);
    }
}

/// `201` with a JSON body.
pub(crate) struct Created<T>(pub(crate) T);

impl<T: Serialize + ToSchema> Reply for Created<T> {
    fn into_response(self) -> Result<HttpResponse, ApiError> {
        Ok(HttpResponse::Created().json(self.0))
    }

    fn describe(operation: &mut Operation<'_>) {
        operation.success::<T>(StatusCode::CREATED);
    }
}

/// `200` without a body.
pub(crate) struct Empty;

impl Reply for Empty {
    fn into_response(self) -> Result<HttpResponse, ApiError> {
        Ok(HttpResponse::Ok().finish())
    }

    fn describe(operation: &mut Operation<'_>) {
        operation.other_response(StatusCode::OK, "Success.", None);
    }
}

/// `202` without a body.
pub(crate) struct Accepted;

impl Reply for Accepted {
    fn into_response(self) -> Result<HttpResponse, ApiError> {
        Ok(HttpResponse::Accepted().finish())
    }

    fn describe(operation: &mut Operation<'_>) {
        operation.other_response(StatusCode::ACCEPTED, "Accepted; it is done soon.", None);
    }
}

/// `204`.
pub(crate) struct NoContent;

impl Reply for NoContent {
    fn into_response(self) -> Result<HttpResponse, ApiError> {
        Ok(HttpResponse::NoContent().finish())
    }

    fn describe(operation: &mut Operation<'_>) {
        operation.other_response(StatusCode::NO_CONTENT, "Success.", None);
    }
}
