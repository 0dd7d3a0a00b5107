use super::ids::IdBytes;
use crate::store::record::row;

row! {
    /// An `Idempotency-Key` in use.
    pub struct IdempotencyRow in idempotency_keys (client_id, key_hash) {
        pub client_id: String,
        pub key_hash: Vec<u8>,
        pub request_hash: Vec<u8>,
        pub transaction_id: Option<IdBytes>,
        /// Sealed.
        pub answer: Option<Vec<u8>>,
        pub created_at: i64,
        pub expires_at: i64,
    }
}
