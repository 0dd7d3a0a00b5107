//! Phones: the device protocol.

pub(crate) mod authenticators;
pub(crate) mod enrolment;
mod key;
pub(crate) mod push;
pub(crate) mod transactions;

pub(crate) use authenticators::{remove_authenticator, set_authenticator};
pub(crate) use enrolment::{end_enrolment, enrol, enrolment};
pub(crate) use push::{enrol_push, remove_push, replace_push_token};
pub(crate) use transactions::{answer, claim_otp, fetch, pending};
