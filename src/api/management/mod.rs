//! The management listener: for administrators, and for operating the server.

mod callbacks;
mod devices;
mod docs;
mod health;
mod revocation;
mod users;

pub(super) use docs::pages;

use super::endpoint::{Listener, Section};

pub(super) const SECTION: Section = Section {
    listener: Listener::Management,
    name: "Administration",
    description: "For administrators' programs: end what users, devices and clients have, and replay \
                  callbacks.",
    tables: &[
        users::ENDPOINTS,
        devices::ENDPOINTS,
        revocation::ENDPOINTS,
        callbacks::ENDPOINTS,
    ],
};

pub(super) const OPERATIONS: Section = Section {
    listener: Listener::Management,
    name: "Operations",
    description: "For operating the server: health, metrics and this document. Without credentials.",
    tables: &[health::ENDPOINTS, docs::ENDPOINTS],
};
