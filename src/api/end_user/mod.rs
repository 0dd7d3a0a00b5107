//! Portals: what users have, shown and removed for them. Paths, fields and answers as documented.

pub(crate) mod consents;
pub(crate) mod tokens;

use std::convert::Infallible;
use std::str::FromStr;

use actix_web::HttpResponse;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

pub(crate) use consents::{consents, remove_consent};
pub(crate) use tokens::{remove_token, remove_tokens, tokens};

use crate::api::error::{ApiError, Area, Fault};
use crate::store::StoreError;

/// The user has nothing of the kind.
#[derive(Serialize, ToSchema)]
pub(crate) struct NothingFound {
    /// Says of what.
    error: &'static str,
}

fn nothing_found(error: &'static str) -> HttpResponse {
    HttpResponse::NotFound().json(NothingFound { error })
}

/// These paths are the token server's.
fn failed(error: StoreError) -> ApiError {
    ApiError::from_fault(&Fault::from(error), Area::OAuth)
}

/// What a portal was shown as `id`. Nothing has an id that is none, and removing nothing is no
/// error.
struct ItemId(Option<Uuid>);

impl FromStr for ItemId {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(Uuid::try_parse(text).ok()))
    }
}

/// The scopes of a list separated by spaces.
fn scopes(scope: &str) -> Vec<String> {
    scope
        .split(' ')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}
