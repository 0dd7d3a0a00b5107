//! Proofs of possession of a key (RFC 9449 §4.1).

use actix_web::HttpRequest;

use super::request::{Extract, Request};
use crate::api::error::ApiError;
use crate::api::openapi::Operation;
use crate::oauth::{OAuthError, ProofRefusal};
use crate::secret::SecretString;

const DPOP: &str = "dpop";

/// The proof of a request for a token, if there is one. The feature verifies it.
pub(crate) struct DpopHeader(pub(crate) Option<SecretString>);

impl Extract for DpopHeader {
    async fn extract(request: &mut Request<'_>) -> Result<Self, ApiError> {
        if !request.head.headers().contains_key(DPOP) {
            return Ok(Self(None));
        }

        let proof = single(request.head).ok_or_else(|| OAuthError::from(ProofRefusal::Missing))?;

        Ok(Self(Some(SecretString::new(proof.to_owned()))))
    }

    fn describe(operation: &mut Operation<'_>) {
        operation.header(
            "DPoP",
            "A proof of possession of a key (RFC 9449 §4.2), which the token is then bound to.",
        );
    }
}

/// The proof of a request, if there is exactly one.
pub(super) fn single(request: &HttpRequest) -> Option<&str> {
    let mut values = request.headers().get_all(DPOP);
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };

    value.to_str().ok()
}
