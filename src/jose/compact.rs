//! What compact serializations have in common: parts in base64url, of which the first is a header.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;

use super::error::JoseError;
use super::json::check_object;

/// Splits into exactly `N` parts.
pub(super) fn split<const N: usize>(
    compact: &str,
    bytes_max: usize,
) -> Result<[&str; N], JoseError> {
    if compact.len() > bytes_max {
        return Err(JoseError::TooLong);
    }

    let mut parts = compact.split('.');
    // No more than are needed, whatever comes after them.
    let found: Vec<&str> = parts.by_ref().take(N).collect();

    if parts.next().is_some() {
        return Err(JoseError::Malformed);
    }

    found.try_into().map_err(|_| JoseError::Malformed)
}

/// Decodes base64url without padding. Non-canonical encodings are refused.
pub(super) fn decode(part: &str) -> Result<Vec<u8>, JoseError> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| JoseError::Malformed)
}

/// Encodes as base64url without padding.
pub(super) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads a header. `H` lists the accepted parameters and denies all others.
///
/// RFC 7515 §4 says to ignore unknown parameters. They are refused here because all registered ones
/// that our types do not list select a key or require an extension (`crit`, `b64`, `zip`), which no
/// client of ours needs.
pub(super) fn header<H: DeserializeOwned>(part: &str) -> Result<H, JoseError> {
    let bytes = decode(part)?;
    check_object(&bytes)?;
    serde_json::from_slice(&bytes).map_err(|_| JoseError::HeaderParameter)
}
