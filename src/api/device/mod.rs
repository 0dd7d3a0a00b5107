//! The device protocol: what the app on a user's device calls.

mod authenticators;
mod enrolment;
mod key;
mod push;
mod transactions;

use super::endpoint::{Listener, Section};

pub(super) const SECTION: Section = Section {
    listener: Listener::Public,
    name: "Devices",
    description: "For apps: enrol the keys of a user on a device, and answer transactions. A device \
                  registers and gets its tokens at the token server.",
    tables: &[
        transactions::ENDPOINTS,
        enrolment::ENDPOINTS,
        authenticators::ENDPOINTS,
        push::ENDPOINTS,
    ],
};
