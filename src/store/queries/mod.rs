//! Queries: functions that take a connection, so that they compose in a transaction. One file for each group of tables.

pub mod callbacks;
pub mod devices;
pub mod callbacks;
pub mod devices;
pub mod events;
pub mod idempotency;
pub mod settings;
pub mod sweep;
pub mod tokens;
pub mod transactions;

use diesel::QueryResult;
use diesel::result::{DatabaseErrorKind, Error};

/// Whether a row was written; `false` where a unique constraint did not let it in.
fn unless_taken(written: QueryResult<usize>) -> QueryResult<bool> {
    match written {
        Ok(_) => Ok(true),
        Err(Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Ok(false),
        Err(error) => Err(error),
    }
}
