//! What the lists of portals have in common.

use std::convert::Infallible;
use std::str::FromStr;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::error::ApiError;
use crate::api::openapi::Operation;
use crate::api::reply::Reply;

/// A list that is not empty, or `404` with a text.
pub(super) enum Items<T> {
    Found(T),
    None(&'static str),
}

/// The user has nothing to list.
#[derive(Serialize, ToSchema)]
struct NothingFound {
    /// Says what there is none of.
    error: &'static str,
}

impl<T: Serialize + ToSchema> Reply for Items<T> {
    fn into_response(self) -> Result<HttpResponse, ApiError> {
        Ok(match self {
            Self::Found(items) => HttpResponse::Ok().json(items),
            Self::None(error) => HttpResponse::NotFound().json(NothingFound { error }),
        })
    }

    fn describe(operation: &mut Operation<'_>) {
        operation.success::<T>(StatusCode::OK);
        operation.response::<NothingFound>(StatusCode::NOT_FOUND, "There are none.");
    }
}

/// The id of an item in a list. Nothing has a malformed one, and to remove nothing is not an error.
pub(super) struct ItemId(pub(super) Option<Uuid>);

impl FromStr for ItemId {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(Uuid::try_parse(text).ok()))
    }
}

/// The scopes of a list separated by spaces.
pub(super) fn split_scopes(scope: &str) -> Vec<String> {
    scope
        .split(' ')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}
