//! JWT access tokens that are signed a second time, to be listed. Pure.
//!
//! The server keeps what a JWT says, not its text. Signed again it says the same, but no two `ES256`
//! signatures are alike, and the key may have been rotated: the keyed hash in the row does not
//! match. So where a row is found and the hash is another's, the text is still the row's token if
//! one of the published keys signed it as an access token, and it says exactly what the row and its
//! grant say. That the row exists, and was not revoked, is checked before, as for any token.
//!
//! The audience is the one that the resource server has now. If that was changed since, the token
//! that was issued is still recognised by its hash, and a copy that was made before is not.

use serde_json::Value;

use super::jwt::{Claims, TYPE};
use crate::jose::{VerifyingKey, own};

/// Whether a text has these claims and no others, signed by a key that `find_key` knows.
pub(super) fn says(
    text: &str,
    claims: &Claims<'_>,
    find_key: impl Fn(&str) -> Option<VerifyingKey>,
) -> bool {
    let Ok(payload) = own::verify(text, TYPE, find_key) else {
        return false;
    };

    match (
        serde_json::to_value(claims),
        serde_json::from_slice::<Value>(&payload),
    ) {
        (Ok(expected), Ok(said)) => expected == said,
        _ => false,
    }
}
