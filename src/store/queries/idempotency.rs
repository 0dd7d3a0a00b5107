//! Idempotency keys. The [journal](crate::store::journal) claims them.

use std::collections::HashMap;

use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::store::connection::Connection;
use crate::store::rows::{IdBytes, IdempotencyRow};
use crate::store::schema::idempotency_keys;

/// A website's key: the website, and the key's hash.
pub type IdempotencyKeyId = (String, IdBytes);

/// Finds these keys, which may have expired.
pub fn find_idempotency_keys(
    connection: &mut Connection,
    keys: &[IdempotencyKeyId],
) -> QueryResult<Vec<(IdempotencyKeyId, IdempotencyRow)>> {
    let rows: Vec<IdempotencyRow> = match connection {
        Connection::Postgres(connection) => {
            // At any moment few websites ask.
            let mut by_website = HashMap::<&str, Vec<&[u8]>>::new();
            for (client_id, key_hash) in keys {
                by_website.entry(client_id).or_default().push(key_hash);
            }

            let mut rows = Vec::new();
            for (client_id, key_hashes) in by_website {
                rows.extend(
                    idempotency_keys::table
                        .filter(idempotency_keys::client_id.eq(client_id))
                        .filter(idempotency_keys::key_hash.eq_any(key_hashes))
                        .select(IdempotencyRow::as_select())
                        .load(connection)?,
                );
            }
            rows
        }
        Connection::Sqlite(connection) => {
            let mut rows = Vec::new();
            for key in keys {
                let row = idempotency_keys::table
                    .find((&key.0, &key.1))
                    .select(IdempotencyRow::as_select())
                    .load(connection)?;
                rows.extend(row);
            }
            rows
        }
    };

    let keyed = |row: IdempotencyRow| ((row.client_id.clone(), row.key_hash.clone()), row);
    Ok(rows.into_iter().map(keyed).collect())
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
