//! Public keys in JSON bodies.

use serde_json::Value;

use crate::api::error::Fault;
use crate::jose::PublicJwk;

/// Parses a public P-256 key. `member` names it in errors.
pub(super) fn parse(member: &'static str, jwk: Option<Value>) -> Result<PublicJwk, Fault> {
    let jwk = jwk.ok_or_else(|| Fault::missing(member))?;

    PublicJwk::from_json(&jwk.to_string())
        .map_err(|error| Fault::parameter(member, error.to_string()))
}
