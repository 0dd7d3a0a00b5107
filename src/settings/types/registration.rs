//! Who may register clients.

use std::collections::BTreeSet;

/// Opens registration to those who have it (RFC 7591 §3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitialAccessToken {
    /// For administrators and events.
    pub name: String,
    /// SHA-256 of the token. It is random, so it needs no slow hash.
    pub token_hash: [u8; 32],
    /// The ids of the applications whose devices may register with it.
    pub applications: BTreeSet<String>,
}
