//! The rows of transactions: how the state is written and read, and what is written with a change.

mod changes;
mod columns;
mod queries;
mod record;
mod start;

pub(super) use changes::{Change, change};
pub(super) use queries::{
    find, find_delivery_due, find_expired, find_idempotency_key, find_pending_of_device,
    save_answer,
};
pub(super) use record::{Record, message_of, open_content, pending_of, result_of};
pub(super) use start::start_rows;
