//! What can go wrong below.

/// Why the store did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The database is out of reach, full or refuses to write. It may come back; what was being written may or may not be there.
    #[error("the database is out of reach: {0}")]
    Unavailable(String),
    /// More work is waiting than the store accepts; nothing was done.
    #[error("the database is overloaded")]
    Overloaded,
    /// A query failed in a way that trying again does not mend.
    #[error("the database refused a query: {0}")]
    Query(String),
    /// The schema is older or newer than this program's.
    #[error("{0}")]
    Schema(String),
}
