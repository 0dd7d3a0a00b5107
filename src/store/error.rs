//! What can go wrong below.

use diesel::result::{ConnectionError, DatabaseErrorKind, Error as DieselError};

/// Why the store did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The database is out of reach, full or refuses to write. It may come back; what was being
    /// written may or may not be there.
    #[error("the database is out of reach: {0}")]
    Unavailable(String),
    /// More work is waiting than the store accepts; nothing was done.
    #[error("the database is overloaded")]
    Overloaded,
    /// A query failed in a way that trying again does not mend.
    #[error("the database refused a query: {0}")]
    Query(String),
    /// Code that ran on one of the store's threads panicked; nothing it wrote stays.
    #[error("a query panicked")]
    Panicked,
    /// The schema is older or newer than this program's.
    #[error("{0}")]
    Schema(String),
}

impl StoreError {
    /// The store was closed, or its thread is gone: nothing was done.
    pub(super) fn closed() -> Self {
        Self::Unavailable("the store is closed".to_owned())
    }
}

impl StoreError {
    /// PostgreSQL gave the transaction up because it and another waited for each other.
    pub(super) fn is_deadlock(&self) -> bool {
        matches!(self, Self::Query(message) if message.contains("deadlock detected"))
    }
}

/// How a change that may be made anew ended: by the database, or by its own decision.
pub(super) enum Failed<E> {
    Store(StoreError),
    Refused(E),
}

impl<E> From<StoreError> for Failed<E> {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl<E> Failed<E> {
    /// The same, as a closure of [`Store::write`](super::Store::write) gives it.
    pub(super) fn of(error: WriteError<E>) -> WriteError<Self> {
        match error {
            WriteError::Refused(refusal) => WriteError::Refused(Self::Refused(refusal)),
            WriteError::Database(error) => WriteError::Database(error),
        }
    }
}

/// What both databases say when they cannot serve now but may later. Neither client library hands
/// on the codes behind.
const PASSING_TROUBLE: [&str; 14] = [
    // SQLite
    "database or disk is full",
    "disk I/O error",
    "database is locked",
    "database table is locked",
    "unable to open database file",
    "attempt to write a readonly database",
    // PostgreSQL
    "No space left on device",
    "terminating connection",
    "the database system is",
    "server closed the connection",
    "no connection to the server",
    "too many clients",
    "remaining connection slots",
    "canceling statement due to",
];

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        let passing = match &error {
            DieselError::DatabaseError(
                DatabaseErrorKind::ClosedConnection
                | DatabaseErrorKind::UnableToSendCommand
                | DatabaseErrorKind::ReadOnlyTransaction,
                _,
            )
            | DieselError::BrokenTransactionManager => true,
            DieselError::DatabaseError(DatabaseErrorKind::Unknown, information) => PASSING_TROUBLE
                .iter()
                .any(|text| information.message().contains(text)),
            DieselError::RollbackErrorOnCommit { .. } => true,
            _ => false,
        };
        if passing {
            Self::Unavailable(error.to_string())
        } else {
            Self::Query(error.to_string())
        }
    }
}

impl From<ConnectionError> for StoreError {
    fn from(error: ConnectionError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// How a closure given to [`Store::write`](super::Store::write) ends without success. Either way
/// nothing it wrote stays.
#[derive(Debug)]
pub enum WriteError<E> {
    /// It decided not to go on.
    Refused(E),
    /// A query failed.
    Database(DieselError),
}

impl<E> From<DieselError> for WriteError<E> {
    fn from(error: DieselError) -> Self {
        Self::Database(error)
    }
}
