//! The rows of transactions: how the state is written and read, and what is written with a change.

mod changes;
mod columns;
mod failures;
mod prompt;
mod queries;
mod quota;
mod record;
mod start;

pub(super) use changes::{Change, change, takeover};
pub(super) use failures::failures_of_start;
pub(super) use prompt::prompt_of_start;
pub(super) use queries::{Reads, find, find_expired, find_lapsed_deliveries, replace_answer};
pub(super) use quota::quotas;
pub(super) use record::{Lease, Record, open_content, owed_of, pending_of, progress_of};
pub(super) use start::{FIRST_FENCE, start_rows};
