//! Idempotency keys. The [journal](crate::store::journal) claims them.

use diesel::prelude::*;

use crate::clock::Timestamp;
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

/// Replaces the answer to the first request with a key, unless the key is gone or was claimed anew
/// after `created_at`.
pub fn replace_idempotent_answer(
    connection: &mut Connection,
    client_id: &str,
    key_hash: &[u8],
    created_at: Timestamp,
    answer: &[u8],
) -> QueryResult<()> {
    let claimed_then = idempotency_keys::table
        .find((client_id, key_hash))
        .filter(idempotency_keys::created_at.eq(created_at.as_millis()));

    diesel::update(claimed_then)
        .set(idempotency_keys::answer.eq(answer))
        .execute(connection)
        .map(drop)
}
