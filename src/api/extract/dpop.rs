//! Proofs of a key (RFC 9449 §4.1).

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use crate::api::error::ApiError;
use crate::oauth::{OAuthError, ProofRefusal};
use crate::secret::SecretString;

/// The name of the header.
const DPOP: &str = "dpop";

/// The proof of a request to the token server, if there is one, still to be checked.
pub(crate) struct DpopHeader(pub(crate) Option<SecretString>);

impl FromRequest for DpopHeader {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let mut values = request.headers().get_all(DPOP);
        let refused = || OAuthError::from(ProofRefusal::Missing).into();
        ready(match (values.next(), values.next()) {
            (None, _) => Ok(Self(None)),
            (Some(value), None) => value
                .to_str()
                .map(|text| Self(Some(SecretString::new(text.to_owned()))))
                .map_err(|_| refused()),
            (Some(_), Some(_)) => Err(refused()),
        })
    }
}

/// The one proof of a request, if there is exactly one.
pub(super) fn single(request: &HttpRequest) -> Option<&str> {
    let mut values = request.headers().get_all(DPOP);
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    value.to_str().ok()
}
