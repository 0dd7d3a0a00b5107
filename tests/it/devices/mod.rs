//! Devices on real databases.

mod authenticators;
mod enrolment;
mod push;
mod registration;
