//! What can go wrong in the store.

use diesel::result::{ConnectionError, DatabaseErrorKind, Error as DieselError};
use uuid::Uuid;

/// Why the store did not do what it was asked to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The database is unreachable, full or read-only, which may pass. Nothing was changed.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// The connection was lost during the commit: what was being written is there, or it is not.
    #[error("the connection was lost during a commit")]
    Undecided,
    /// More work is waiting than the store accepts. Nothing was done.
    #[error("the database is overloaded")]
    Overloaded,
    /// The database refused a query; the same query would be refused again.
    #[error("the database refused a query: {0}")]
    Query(String),
    /// The database aborted the transaction, for a reason that its client library does not pass on:
    /// perhaps a deadlock, or a lock that was not to be had in time. Nothing was changed.
    #[error("the database aborted a transaction: {0}")]
    Aborted(String),
    /// Code that ran on one of the store's threads panicked. Nothing it wrote stays.
    #[error("a query panicked")]
    Panicked,
    /// The schema is older or newer than this program expects.
    #[error("{0}")]
    Schema(String),
    /// See [`CorruptRow`].
    #[error(transparent)]
    Corrupt(#[from] CorruptRow),
}

impl StoreError {
    /// The store was closed, or its thread is gone. Nothing was done.
    pub(super) fn closed() -> Self {
        Self::Unavailable("the store is closed".to_owned())
    }
}

/// A row holds a value that this program never writes: somebody edited the database, or a newer
/// program did.
///
/// There is one policy for all tables. Whoever turns rows into domain types returns this error. It
/// reaches the caller as [`StoreError::Corrupt`], is logged once where the request is answered, with
/// table and id, and is answered as "unavailable" (`503`). A corrupt row never causes a panic and is
/// never skipped silently.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("table {table}: row {id} is corrupt")]
pub struct CorruptRow {
    table: &'static str,
    id: String,
}

impl CorruptRow {
    /// The row of this id cannot be read. Where a key has several columns, the first identifies it
    /// well enough.
    pub fn new(table: &'static str, id: &(impl RowId + ?Sized)) -> Self {
        let id = id.to_text();
        Self { table, id }
    }
}

/// An id as it is stored.
pub trait RowId {
    /// For the log.
    fn to_text(&self) -> String;
}

impl RowId for String {
    fn to_text(&self) -> String {
        self.clone()
    }
}

impl RowId for str {
    fn to_text(&self) -> String {
        self.to_owned()
    }
}

impl RowId for [u8] {
    fn to_text(&self) -> String {
        Uuid::from_slice(self).map_or_else(|_| format!("{self:02x?}"), |id| id.to_string())
    }
}

impl RowId for Vec<u8> {
    fn to_text(&self) -> String {
        self.as_slice().to_text()
    }
}

/// How a closure given to [`Store::write`](super::Store::write) ends without success. Either way
/// nothing it wrote stays.
#[derive(Debug)]
pub enum WriteError<E> {
    /// It decided against the change.
    Refused(E),
    /// A query failed.
    Database(DieselError),
}

impl<E> From<DieselError> for WriteError<E> {
    fn from(error: DieselError) -> Self {
        Self::Database(error)
    }
}

impl<E: From<StoreError>> From<CorruptRow> for WriteError<E> {
    fn from(row: CorruptRow) -> Self {
        Self::Refused(StoreError::Corrupt(row).into())
    }
}

/// How a change that may be retried ended without success: the database failed, or the change was
/// refused. Only the first is worth another attempt.
pub(super) enum Attempt<E> {
    Failed(StoreError),
    Refused(E),
}

impl<E> From<StoreError> for Attempt<E> {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

impl<E> Attempt<E> {
    /// Keeps a refusal apart from the errors that [`Store::write`](super::Store::write) adds.
    pub(super) fn of(error: WriteError<E>) -> WriteError<Self> {
        match error {
            WriteError::Refused(refusal) => WriteError::Refused(Self::Refused(refusal)),
            WriteError::Database(error) => WriteError::Database(error),
        }
    }
}

/// What the databases say when they cannot serve now but may later, as far as no code says it. A
/// PostgreSQL that speaks another language is found out by a connection that is lost, or by trying
/// again ([`StoreError::Aborted`]).
const TRANSIENT: [&str; 14] = [
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
    "canceling statement due to statement timeout",
];

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        if is_transient(&error) {
            Self::Unavailable(error.to_string())
        } else if may_be_retried(&error) {
            Self::Aborted(error.to_string())
        } else {
            Self::Query(error.to_string())
        }
    }
}

/// Whether the same transaction may succeed the next time. diesel tells some kinds of errors apart by
/// their SQLSTATE and calls all others unknown; their messages are in the server's language.
fn may_be_retried(error: &DieselError) -> bool {
    use DatabaseErrorKind::{SerializationFailure, Unknown};

    matches!(
        error,
        DieselError::DatabaseError(SerializationFailure | Unknown, _)
    )
}

fn is_transient(error: &DieselError) -> bool {
    use DatabaseErrorKind::{ClosedConnection, ReadOnlyTransaction, UnableToSendCommand, Unknown};

    match error {
        DieselError::DatabaseError(
            ClosedConnection | UnableToSendCommand | ReadOnlyTransaction,
            _,
        )
        | DieselError::BrokenTransactionManager
        | DieselError::RollbackErrorOnCommit { .. } => true,
        DieselError::DatabaseError(Unknown, information) => TRANSIENT
            .iter()
            .any(|text| information.message().contains(text)),
        _ => false,
    }
}

impl From<ConnectionError> for StoreError {
    fn from(error: ConnectionError) -> Self {
        Self::Unavailable(error.to_string())
    }
}
