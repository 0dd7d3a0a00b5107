//! Keys in the bodies of phones.

use serde_json::Value;

use crate::api::error::Fault;
use crate::jose::PublicJwk;

/// A public P-256 key.
pub(super) fn parse(member: &'static str, jwk: Option<Value>) -> Result<PublicJwk, Fault> {
    let jwk = jwk.ok_or_else(|| Fault::missing(member))?;
    PublicJwk::from_json(&jwk.to_string())
        .map_err(|error| Fault::parameter(member, error.to_string()))
}
