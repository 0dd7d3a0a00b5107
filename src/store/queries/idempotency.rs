//! Idempotency keys. The [journal](crate::store::journal) claims them.

use diesel::prelude::*;

use crate::store::connection::Connection;
use crate::store::rows::IdempotencyRow;
use crate::store::schema::idempotency_keys;

/// Finds a key in use, which may have expired.
pub fn find_idempotency_key(
    connection: &mut Connection,
    client_id: &str,
    key_hash: &[u8],
) -> QueryResult<Option<IdempotencyRow>> {
    idempotency_keys::table
        .find((client_id, key_hash))
        .select(IdempotencyRow::as_select())
        .first(connection)
        .optional()
}

/// Saves the answer to the first request with a key. False when the key is gone, was claimed anew
/// after `created_at`, or has an answer.
pub fn save_idempotent_answer(
    connection: &mut Connection,
    client_id: &str,
    key_hash: &[u8],
    created_at: i64,
    answer: &[u8],
) -> QueryResult<bool> {
    let unanswered = idempotency_keys::table
        .find((client_id, key_hash))
        .filter(idempotency_keys::created_at.eq(created_at))
        .filter(idempotency_keys::answer.is_null());
    diesel::update(unanswered)
        .set(idempotency_keys::answer.eq(answer))
        .execute(connection)
        .map(|count| count == 1)
}
