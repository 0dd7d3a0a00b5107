//! Why something about a device was not done.

use super::enrolment::EnrolmentRefusal;
use super::metadata::RegistrationRefusal;
use crate::store::StoreError;

/// Either the request was refused or the database failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError<R> {
    /// Nothing was changed.
    #[error(transparent)]
    Refused(R),
    /// [`StoreError`] says whether something may have been changed.
    #[error(transparent)]
    Store(StoreError),
}

impl<R> From<StoreError> for DeviceError<R> {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Why a registration was not made, read or changed.
pub type RegistrationError = DeviceError<RegistrationRefusal>;
/// Why a user's enrolment was not changed.
pub type EnrolmentError = DeviceError<EnrolmentRefusal>;
