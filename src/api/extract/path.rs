//! Ids in the path.

use std::fmt::Display;
use std::future::{Ready, ready};
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use super::percent;
use crate::api::error::{ApiError, Area, Fault};
use crate::ids::{ClientId, DeviceId, TransactionId, UserId};
use crate::transactions::{DeviceRequestError, WebsiteError};

/// A type that stands in a path under a name of its own.
pub(crate) trait PathParameter: FromStr<Err: Display> {
    /// The name in the pattern.
    const NAME: &'static str;

    /// What a text that is not one is answered with.
    fn refused(request: &HttpRequest, error: &Self::Err) -> ApiError {
        super::fault(request, &Fault::parameter(Self::NAME, error.to_string()))
    }
}

impl PathParameter for UserId {
    const NAME: &'static str = "user_id";
}

impl PathParameter for DeviceId {
    const NAME: &'static str = "device_id";
}

/// On the management listener: a web client, an application or an installation.
impl PathParameter for ClientId {
    const NAME: &'static str = "client_id";
}

impl PathParameter for TransactionId {
    const NAME: &'static str = "transaction_id";

    /// No transaction has such an id, so there is none.
    fn refused(request: &HttpRequest, _: &Self::Err) -> ApiError {
        match Area::of(request.path()) {
            Area::Website => WebsiteError::NoSuchTransaction.into(),
            Area::OAuth | Area::Other => DeviceRequestError::NotFound.into(),
        }
    }
}

/// What the path says, checked.
pub(crate) struct InPath<T>(pub(crate) T);

impl<T: PathParameter> FromRequest for InPath<T> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let parsed = match text(request, T::NAME) {
            Ok(text) => text.parse().map_err(|error| T::refused(request, &error)),
            Err(fault) => Err(super::fault(request, &fault)),
        };
        ready(parsed.map(Self))
    }
}

/// The decoded segment. The router has decoded everything but `%`, `/` and `+`, putting U+FFFD for
/// what is not UTF-8.
fn text(request: &HttpRequest, name: &'static str) -> Result<String, Fault> {
    let segment = request.match_info().get(name).ok_or(Fault::Internal)?;
    if segment.contains(char::REPLACEMENT_CHARACTER) {
        return Err(Fault::parameter(name, "is not UTF-8"));
    }
    percent::decode(segment.as_bytes()).map_err(|problem| Fault::parameter(name, problem))
}
