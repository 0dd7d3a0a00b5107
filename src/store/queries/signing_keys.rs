//! The keys the server signs with.

use diesel::prelude::*;

use crate::store::connection::Connection;
use crate::store::rows::SigningKeyRow;
use crate::store::schema::{server_state, signing_keys};

/// Loads all keys, the oldest first.
pub fn load_signing_keys(connection: &mut Connection) -> QueryResult<Vec<SigningKeyRow>> {
    signing_keys::table
        .order((signing_keys::active_from, signing_keys::kid))
        .select(SigningKeyRow::as_select())
        .load(connection)
}

/// Makes other nodes wait with changes of the keys until the transaction is over.
pub fn lock_signing_keys(connection: &mut Connection) -> QueryResult<()> {
    match connection {
        Connection::Postgres(connection) => server_state::table
            .select(server_state::id)
            .for_update()
            .load::<i32>(connection)
            .map(drop),
        // There is one writer.
        Connection::Sqlite(_) => Ok(()),
    }
}

/// Adds a key.
pub fn insert_signing_key(connection: &mut Connection, row: &SigningKeyRow) -> QueryResult<()> {
    diesel::insert_into(signing_keys::table)
        .values(row)
        .execute(connection)
        .map(drop)
}

/// Sets until when the keys of an algorithm are published that have had no successor so far.
pub fn retire_signing_keys(
    connection: &mut Connection,
    algorithm: &str,
    published_until: i64,
) -> QueryResult<usize> {
    let current = signing_keys::table
        .filter(signing_keys::algorithm.eq(algorithm))
        // Those that have had a successor keep the time that they were given then.
        .filter(signing_keys::published_until.is_null());
    diesel::update(current)
        .set(signing_keys::published_until.eq(Some(published_until)))
        .execute(connection)
}

/// Removes the keys of an algorithm.
pub fn withdraw_signing_keys(connection: &mut Connection, algorithm: &str) -> QueryResult<usize> {
    diesel::delete(signing_keys::table.filter(signing_keys::algorithm.eq(algorithm)))
        .execute(connection)
}

/// Removes the keys that are no longer published.
pub fn delete_retired_signing_keys(connection: &mut Connection, now: i64) -> QueryResult<usize> {
    diesel::delete(signing_keys::table.filter(signing_keys::published_until.le(now)))
        .execute(connection)
}
