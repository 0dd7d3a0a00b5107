use diesel::Queryable;

use super::ids::IdBytes;
use crate::store::record::row;

row! {
    /// A transaction. Inserted whole, then changed by
    /// [`TransactionUpdate`](crate::store::journal::TransactionUpdate)s only.
    pub struct TransactionRow in transactions (id) {
        pub id: IdBytes,
        /// 0 at first, one more with each save.
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
        /// A message is owed to the user: no provider is known to have taken it.
        pub delivery_due: bool,
        pub created_at: i64,
        pub expires_at: i64,
        pub finished_at: Option<i64>,
        pub callback_uri: Option<String>,
        /// Sealed.
        pub content: Vec<u8>,
        /// The compact JWS that the device answered with.
        pub answer: Option<String>,
        /// Whether the message that is owed may have been taken already.
        pub delivery_progress: i16,
        /// One more for each resend, and for each server that takes a delivery over.
        pub delivery_fence: i64,
        /// Until then the message is delivered by the server that has the fence.
        pub delivery_lease_until: i64,
        /// A message of this transaction has reached a provider, or may have.
        pub delivered: bool,
    }
}

/// A transaction with the keys of the device that is asked, where they are still there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedRow {
    pub transaction: TransactionRow,
    /// The key that the device signs with.
    pub device_key: Option<String>,
    /// The key of its user there, to which content is encrypted.
    pub enrolment_key: Option<String>,
}

/// What a website is told of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct ResultRow {
    pub id: IdBytes,
    pub client_id: String,
    pub method: i16,
    pub status: i16,
    pub reason: Option<i16>,
    pub user_id: Option<String>,
    pub created_at: i64,
    pub expires_at: i64,
    pub callback_uri: Option<String>,
}
