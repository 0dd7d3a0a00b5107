use diesel::prelude::*;

use super::IdBytes;
use crate::store::schema::transactions;

/// A transaction. Written once whole, then changed by [`TransactionUpdate`]s only.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = transactions, treat_none_as_default_value = false)]
pub struct TransactionRow {
    pub id: IdBytes,
    /// 0 when made, one more with each save.
    pub version: i64,
    pub client_id: String,
    pub type_name: String,
    pub method: i16,
    /// 0 is pending.
    pub status: i16,
    pub reason: Option<i16>,
    pub user_id: Option<String>,
    pub device_id: Option<String>,
    pub profile_id: Option<String>,
    pub attempts: i32,
    pub attempts_max: i32,
    pub resends: i32,
    pub resends_max: i32,
    /// The start was answered while delivery was still being tried: whoever restores the
    /// transaction goes on with it.
    pub delivery_due: bool,
    pub created_at: i64,
    pub expires_at: i64,
    pub finished_at: Option<i64>,
    pub callback_uri: Option<String>,
    /// Sealed.
    pub content: Vec<u8>,
    /// The compact JWS the phone answered with.
    pub answer: Option<String>,
}

/// A change of a transaction, refused unless the row still has `expected_version`.
///
/// All of the columns are set, `answer`, `user_id`, `device_id` and `profile_id` only where given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionUpdate {
    pub id: [u8; 16],
    pub expected_version: i64,
    pub status: i16,
    pub reason: Option<i16>,
    pub attempts: i32,
    pub resends: i32,
    pub delivery_due: bool,
    pub finished_at: Option<i64>,
    pub answer: Option<String>,
    pub user_id: Option<String>,
    pub device_id: Option<String>,
    pub profile_id: Option<String>,
}
