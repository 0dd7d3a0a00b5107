//! Devices: phones with the application, the users on them and their keys.
//!
//! A device registers with a key of its own and is an OAuth client from then on. A user enrols on
//! it: first keys, then authenticators and push. What is removed takes with it all that depends on
//! it: a device its enrolments and tokens, an enrolment its authenticators and its push.

mod attempts;
mod authenticators;
pub mod channel;
mod enrol;
mod enrolment;
mod error;
mod facade;
mod key_change;
mod metadata;
mod persist;
mod proof;
mod push;
mod registration;
mod types;

pub use crate::push::{PUSH_ADDRESS_BYTES_MAX, Transport};
pub use attempts::{Prover, Unproven};
pub use authenticators::{AuthenticatorName, CUSTOM_ID_BYTES_MAX};
pub use enrolment::EnrolmentRefusal;
pub use error::{DeviceError, EnrolmentError, RegistrationError};
pub use facade::Devices;
pub use key_change::{ChangeError, ChangeRefusal};
pub use metadata::{ClientMetadata, RegistrationRefusal, TEXT_CHARACTERS_MAX};
pub use proof::{CHANGE_PROOF_TYPE, ProofError, ProofOf, REFRESH_PROOF_TYPE};
pub use types::{Destination, Device, Enrolled, Enrolment, EnrolmentState, PushTarget, Registered};
