//! Idempotency keys. They are taken by the [journal](crate::store::journal)'s guard.

use diesel::prelude::*;
use diesel::update;

use crate::store::Connection;
use crate::store::rows::IdempotencyRow;
use crate::store::schema::idempotency_keys::dsl;

/// The use of a key, which may have expired.
pub fn find_idempotency_key(
    connection: &mut Connection,
    client_id: &str,
    key_hash: &[u8],
) -> QueryResult<Option<IdempotencyRow>> {
    dsl::idempotency_keys
        .find((client_id, key_hash))
        .select(IdempotencyRow::as_select())
        .first(connection)
        .optional()
}

/// Keeps the answer to the first request with a key. False when the key is gone, was taken anew
/// since `created_at`, or has an answer.
pub fn save_idempotent_answer(
    connection: &mut Connection,
    client_id: &str,
    key_hash: &[u8],
    created_at: i64,
    answer: &[u8],
) -> QueryResult<bool> {
    let unanswered = dsl::idempotency_keys
        .find((client_id, key_hash))
        .filter(dsl::created_at.eq(created_at))
        .filter(dsl::answer.is_null());
    Ok(update(unanswered)
        .set(dsl::answer.eq(answer))
        .execute(connection)?
        == 1)
}
