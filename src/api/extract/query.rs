//! The query string, parsed as strictly as a form.

use std::time::Duration;

use utoipa::ToSchema;

use super::fields::{Fields, FromFields};
use super::form;
use super::request::{Extract, Request};
use crate::api::error::{ApiError, Fault};
use crate::api::openapi::Operation;

/// The parameters in the query string.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: FromFields> Extract for Query<T> {
    async fn extract(request: &mut Request<'_>) -> Result<Self, ApiError> {
        let mut fields = form::parse(request.head.query_string().as_bytes())?;

        Ok(Self(T::from_fields(&mut fields)?))
    }

    fn describe(operation: &mut Operation<'_>) {
        operation.query::<T::Schema>();
    }
}

/// How long the response may take if nothing happens.
#[derive(ToSchema)]
pub(crate) struct Wait {
    /// How many seconds to wait for a change; without it, the response comes at once.
    #[schema(value_type = Option<u64>, minimum = 0, maximum = 60)]
    pub(crate) wait: Duration,
}

const WAIT_SECONDS_MAX: u64 = 60;

impl FromFields for Wait {
    type Schema = Self;

    fn from_fields(fields: &mut Fields) -> Result<Self, Fault> {
        let seconds = fields.parsed::<u64>("wait")?.unwrap_or(0);
        if seconds > WAIT_SECONDS_MAX {
            return Err(Fault::parameter(
                "wait",
                format!("must be a number of seconds from 0 to {WAIT_SECONDS_MAX}"),
            ));
        }

        Ok(Self {
            wait: Duration::from_secs(seconds),
        })
    }
}
