//! Parameters in the path.

use std::fmt::Display;
use std::str::FromStr;

use actix_web::HttpRequest;

use super::request::{Extract, Request};
use crate::api::error::{ApiError, Area, Fault};
use crate::api::openapi::Operation;
use crate::ids::{ClientId, DeviceId, TransactionId, UserId};
use crate::percent;
use crate::transactions::{DeviceRequestError, WebsiteError};

/// A type that stands in paths, under a name of its own.
pub(crate) trait PathParameter: FromStr<Err: Display> {
    /// The name between the braces of the pattern.
    const NAME: &'static str;
    /// What the parameter is, in a sentence.
    const DESCRIPTION: &'static str;

    /// The error for a text that does not parse.
    fn malformed(_: &HttpRequest, error: &Self::Err) -> ApiError {
        Fault::parameter(Self::NAME, error.to_string()).into()
    }
}

impl PathParameter for UserId {
    const NAME: &'static str = "user_id";
    const DESCRIPTION: &'static str =
        "The id by which websites and the login page know the user: 1 to 255 bytes.";
}

impl PathParameter for DeviceId {
    const NAME: &'static str = "device_id";
    const DESCRIPTION: &'static str =
        "The id of a device: the `client_id` that its registration returned.";
}

impl PathParameter for ClientId {
    const NAME: &'static str = "client_id";
    const DESCRIPTION: &'static str = "The id of a web client, an application or a device.";
}

impl PathParameter for TransactionId {
    const NAME: &'static str = "transaction_id";
    const DESCRIPTION: &'static str = "The `transaction_id` that the start returned: a UUID.";

    /// No transaction has such an id, so the error is the same as for an unknown one.
    fn malformed(request: &HttpRequest, _: &Self::Err) -> ApiError {
        match Area::of(request.path()) {
            Area::Website => WebsiteError::NoSuchTransaction.into(),
            Area::OAuth | Area::Other => DeviceRequestError::NotFound.into(),
        }
    }
}

/// A parameter in the path.
pub(crate) struct Path<T>(pub(crate) T);

impl<T: PathParameter> Extract for Path<T> {
    async fn extract(request: &mut Request<'_>) -> Result<Self, ApiError> {
        let text = segment(request.head, T::NAME)?;
        let parsed = text.parse();

        parsed
            .map(Self)
            .map_err(|error| T::malformed(request.head, &error))
    }

    fn describe(operation: &mut Operation<'_>) {
        operation.path_parameter(T::NAME, T::DESCRIPTION);
    }
}

/// A segment of the path, decoded.
fn segment(request: &HttpRequest, name: &'static str) -> Result<String, Fault> {
    let segment = request.match_info().get(name).ok_or(Fault::Internal)?;

    // The router has decoded all escapes but those of `%`, `/` and `+`, and has put U+FFFD for what
    // is not UTF-8.
    if segment.contains(char::REPLACEMENT_CHARACTER) {
        return Err(Fault::parameter(name, "is not UTF-8"));
    }

    percent::decode(segment.as_bytes()).map_err(|error| Fault::parameter(name, error.to_string()))
}
