use diesel::prelude::*;

use super::IdBytes;
use crate::store::schema::callbacks;

/// The values of `callbacks.state`.
pub mod callback_state {
    /// To be sent, now or later.
    pub const DUE: i16 = 0;
    /// The website answered 2xx.
    pub const DELIVERED: i16 = 1;
    /// Given up: a dead letter, which can be replayed.
    pub const DEAD: i16 = 2;
}

/// A callback to be sent: the outbox.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = callbacks, treat_none_as_default_value = false)]
pub struct CallbackRow {
    pub id: IdBytes,
    pub transaction_id: IdBytes,
    pub callback_uri: String,
    pub state: i16,
    pub attempts: i32,
    pub created_at: i64,
    pub due_at: i64,
    /// Until when one worker has it for itself.
    pub lease_until: i64,
    /// Grows with each claim; a worker whose number is outdated may not report any more.
    pub fence: i64,
    pub finished_at: Option<i64>,
    /// Why the last attempt failed, without anything the receiver sent.
    pub last_error: Option<String>,
}

/// What came of one attempt to send a callback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackOutcome {
    pub id: IdBytes,
    pub fence: i64,
    pub state: i16,
    pub attempts: i32,
    pub due_at: i64,
    pub finished_at: Option<i64>,
    pub last_error: Option<String>,
}
