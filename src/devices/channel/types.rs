//! What the rest of the server hears from channels.

use std::time::Duration;

/// Why no further prompt may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReserveError {
    /// The budget is used up.
    #[error("the user was prompted too often")]
    TooManyPrompts {
        /// The next prompt is possible after this.
        retry_after: Duration,
    },
    /// There are too many channels, or the database is unavailable.
    #[error("the device's channel is unavailable")]
    Unavailable,
}
