//! What is exchanged for tokens, in the database.

mod codes;
mod refresh;

pub(super) use codes::{
    Exchange, Exchanged, FoundCode, burn_code, exchange, find_code, find_device_code, note_poll,
    revoke_grant,
};
pub(super) use refresh::{
    Refresh, Refreshed, confirm_repetition, find_or_add_family, issue_without_refresh, refresh,
};
