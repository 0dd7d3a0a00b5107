//! Queries: functions that take a connection, so that they compose in a transaction. One file for
//! each group of tables.

pub mod authorizations;
pub mod callbacks;
pub mod consents;
pub mod device_codes;
pub mod devices;
pub mod events;
pub mod idempotency;
pub mod listing;
pub mod login_sessions;
pub mod pushed_requests;
pub mod settings;
pub mod signing_keys;
pub mod sweep;
pub mod tokens;
pub mod transactions;
pub mod users;

use diesel::result::{DatabaseErrorKind, Error};
use diesel::{Connection as _, QueryResult};

use super::Connection;

/// Writes a row; `false` where a unique constraint did not let it in. It runs in a savepoint,
/// because on PostgreSQL a failed statement otherwise spoils the transaction it is in.
fn unless_taken(
    connection: &mut Connection,
    write: impl FnOnce(&mut Connection) -> QueryResult<usize>,
) -> QueryResult<bool> {
    match connection.transaction(write) {
        Ok(_) => Ok(true),
        Err(Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Ok(false),
        Err(error) => Err(error),
    }
}
