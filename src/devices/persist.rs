//! Devices in the database. Each change and its event share one database transaction.

mod authenticators;
mod enrolments;
mod registrations;
mod rows;

pub(super) use authenticators::{
    begin_try, change_authenticator, delete_authenticator, find_answering_key,
    find_authenticator_key, find_failures, set_authenticator,
};
pub(super) use enrolments::{
    KeysToEnrol, change_of_user, disconnect, end_enrolment, enrol, find_enrolment,
    find_enrolment_by_profile, find_enrolment_state, refuse,
};
pub(super) use registrations::{
    DevicesById, NewRegistration, Quotas, delete_device, devices_by_id, find_device, insert_device,
    list_users, update_device,
};
pub(super) use rows::transport;
