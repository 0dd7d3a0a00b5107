//! Mobile authentication for websites: version 4 of the documented API.

mod availability;
mod browser;
mod idempotent;
mod result;
mod sms;
mod start;

use super::endpoint::{Listener, Section};

pub(super) const SECTION: Section = Section {
    listener: Listener::Public,
    name: "Mobile authentication",
    description: "For websites: ask a user by push, text message or one-time password whether an \
                  action is really theirs.",
    tables: &[
        start::ENDPOINTS,
        result::ENDPOINTS,
        sms::ENDPOINTS,
        availability::ENDPOINTS,
    ],
};
