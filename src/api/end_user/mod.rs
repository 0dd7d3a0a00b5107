//! Portals: what users have, listed and removed for them. Paths, fields and responses are those of
//! the documented API.

mod consents;
mod items;
mod tokens;

use super::endpoint::{Listener, Section};

pub(super) const SECTION: Section = Section {
    listener: Listener::Public,
    name: "Portals",
    description: "For portals where users manage their own data: list and remove tokens and \
                  consents.",
    tables: &[tokens::ENDPOINTS, consents::ENDPOINTS],
};
