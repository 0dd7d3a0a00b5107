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
        /// The start was answered while delivery was still being attempted. Whoever rebuilds the
        /// transaction continues it.
        pub delivery_due: bool,
        pub created_at: i64,
        pub expires_at: i64,
        pub finished_at: Option<i64>,
        pub callback_uri: Option<String>,
        /// Sealed.
        pub content: Vec<u8>,
        /// The compact JWS that the device answered with.
        pub answer: Option<String>,
    }
}
