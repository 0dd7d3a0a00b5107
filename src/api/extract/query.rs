//! The query string, read as strictly as a form.

use std::future::{Ready, ready};
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use super::fields::{Fields, FromFields};
use super::form;
use crate::api::error::{ApiError, Fault};

/// Query parameters, checked.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: FromFields> FromRequest for Query<T> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let taken = form::parse(request.query_string().as_bytes())
            .and_then(|mut fields| T::from_fields(&mut fields));
        ready(
            taken
                .map(Self)
                .map_err(|fault| super::fault(request, &fault)),
        )
    }
}

/// `wait`: how long the answer may take while nothing happens, in seconds; zero without it.
pub(crate) struct Wait(pub(crate) Duration);

/// The longest `wait`.
const WAIT_SECONDS_MAX: u64 = 60;

impl FromFields for Wait {
    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        let seconds = fields.parsed::<u64>("wait")?.unwrap_or(0);
        if seconds > WAIT_SECONDS_MAX {
            return Err(Fault::parameter(
                "wait",
                format!("must be a number of seconds from 0 to {WAIT_SECONDS_MAX}"),
            ));
        }
        Ok(Self(Duration::from_secs(seconds)))
    }
}
