//! Why a user was not changed.

use crate::store::StoreError;

/// The largest number of devices that a renamed user may be enrolled on. Far above what people
/// have; bounds the database transaction.
pub(super) const RENAMED_DEVICES_MAX: i64 = 1_000;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserError {
    /// The new id has data of its own, or is the old one. `409`.
    #[error("The new user id is already in use.")]
    Taken,
    /// `409`.
    #[error("The user is enrolled on more than {RENAMED_DEVICES_MAX} devices.")]
    TooManyDevices,
    #[error(transparent)]
    Store(#[from] StoreError),
}
