use diesel::prelude::*;

use super::IdBytes;
use crate::store::schema::idempotency_keys;

/// An `Idempotency-Key` in use.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = idempotency_keys, treat_none_as_default_value = false)]
pub struct IdempotencyRow {
    pub client_id: String,
    pub key_hash: Vec<u8>,
    pub request_hash: Vec<u8>,
    pub transaction_id: Option<IdBytes>,
    /// Sealed; absent while the first request still runs.
    pub answer: Option<Vec<u8>>,
    pub created_at: i64,
    pub expires_at: i64,
}
