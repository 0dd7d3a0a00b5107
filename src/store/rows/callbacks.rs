use diesel::prelude::*;

use super::ids::IdBytes;
use crate::store::record::row;

/// The values of `callbacks.state`.
pub mod callback_state {
    /// To be sent, now or later.
    pub const DUE: i16 = 0;
    /// The website answered 2xx.
    pub const DELIVERED: i16 = 1;
    /// Given up: a dead letter, which can be replayed.
    pub const DEAD: i16 = 2;
}

row! {
    /// A callback in the outbox.
    #[derive(Insertable)]
    pub struct CallbackRow in callbacks (id) {
        pub id: IdBytes,
        pub transaction_id: IdBytes,
        pub callback_uri: String,
        pub state: i16,
        pub attempts: i32,
        pub created_at: i64,
        pub due_at: i64,
        /// Until then one worker has claimed it.
        pub lease_until: i64,
        /// Raised by each claim. A worker with an older number may no longer report.
        pub fence: i64,
        pub finished_at: Option<i64>,
        /// Why the last attempt failed, without anything that the website sent.
        pub last_error: Option<String>,
        /// Host and port of the address. Empty in rows of the version before.
        pub host: String,
        /// What is sent instead of the transaction: that a log-in has ended. Then `transaction_id` is
        /// the callback's own id.
        pub logout_token: Option<String>,
    }
}

/// The outcome of one attempt to send a callback.
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
