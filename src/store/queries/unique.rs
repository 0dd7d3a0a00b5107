use diesel::result::{DatabaseErrorKind, Error};
use diesel::{Connection as _, QueryResult};

use crate::store::connection::Connection;

/// Writes a row; `false` where a unique constraint does not let it in. It runs in a savepoint,
/// because on PostgreSQL a failed statement aborts the transaction that it is in.
pub(super) fn unless_taken(
    connection: &mut Connection,
    write: impl FnOnce(&mut Connection) -> QueryResult<usize>,
) -> QueryResult<bool> {
    match connection.transaction(write) {
        Ok(_) => Ok(true),
        Err(Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Ok(false),
        Err(error) => Err(error),
    }
}
