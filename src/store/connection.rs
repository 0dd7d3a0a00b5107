//! A connection to either database, and the transactions on it.

use std::time::Duration;

use diesel::QueryResult;
use diesel::connection::{AnsiTransactionManager, SimpleConnection as _, TransactionManager as _};

pub use any::AnyConnection as Connection;

/// What diesel derives has a trait named `Connection` in scope, so the type has another name here.
mod any {
    use diesel::{PgConnection, SqliteConnection};

    /// A connection to one of the two databases. Queries in diesel's language run on both; where
    /// they must differ, match on the variant.
    #[derive(diesel::MultiConnection)]
    pub enum AnyConnection {
        Postgres(PgConnection),
        Sqlite(SqliteConnection),
    }
}

impl Connection {
    /// Begins a transaction that is going to write. On SQLite it takes the write lock at once: a
    /// transaction that starts by reading cannot take it later if another one wrote meanwhile.
    pub(super) fn begin(&mut self) -> QueryResult<()> {
        match self {
            Self::Postgres(connection) => AnsiTransactionManager::begin_transaction(connection),
            Self::Sqlite(connection) => {
                AnsiTransactionManager::begin_transaction_sql(connection, "BEGIN IMMEDIATE")
            }
        }
    }

    /// Begins a part of the transaction that is open. The next [`Connection::commit`] keeps it, the
    /// next [`Connection::rollback`] drops it.
    pub(super) fn begin_savepoint(&mut self) -> QueryResult<()> {
        match self {
            Self::Postgres(connection) => AnsiTransactionManager::begin_transaction(connection),
            Self::Sqlite(connection) => AnsiTransactionManager::begin_transaction(connection),
        }
    }

    /// Until the transaction ends, a statement fails that waits longer than this for a lock. SQLite
    /// has one lock, for which its busy timeout holds.
    pub(super) fn limit_lock_waits(&mut self, wait: Duration) -> QueryResult<()> {
        match self {
            Self::Postgres(connection) => {
                connection.batch_execute(&format!("SET LOCAL lock_timeout = {}", wait.as_millis()))
            }
            Self::Sqlite(_) => Ok(()),
        }
    }

    /// Fails if a statement has failed since [`Connection::begin`] and was not undone by a
    /// savepoint. PostgreSQL answers the `COMMIT` of such a transaction by rolling back, without an
    /// error.
    pub(super) fn check_transaction(&mut self) -> QueryResult<()> {
        match self {
            Self::Postgres(connection) => connection.batch_execute("SELECT 1"),
            Self::Sqlite(_) => Ok(()),
        }
    }

    /// Makes durable what was written since [`Connection::begin`].
    pub(super) fn commit(&mut self) -> QueryResult<()> {
        match self {
            Self::Postgres(connection) => AnsiTransactionManager::commit_transaction(connection),
            Self::Sqlite(connection) => AnsiTransactionManager::commit_transaction(connection),
        }
    }

    /// Drops what was written since [`Connection::begin`].
    pub(super) fn rollback(&mut self) -> QueryResult<()> {
        match self {
            Self::Postgres(connection) => AnsiTransactionManager::rollback_transaction(connection),
            Self::Sqlite(connection) => AnsiTransactionManager::rollback_transaction(connection),
        }
    }
}
