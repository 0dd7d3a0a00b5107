//! Storage: SQLite, embedded, or PostgreSQL, behind one interface. The store knows rows and
//! queries, but no feature.
//!
//! There are three ways in. All are bounded, and none blocks the caller's thread:
//!
//! - [`Store::commit`] hands an entry to the [`journal`], which makes it durable together with what
//!   else arrives meanwhile. Everything that happens often goes this way.
//! - [`Store::read`] runs queries on the store's own threads; with [`Batched`], callers that need
//!   one row each share a query.
//! - [`Store::write`] runs a closure in a database transaction of its own. All other changes go
//!   this way.
//!
//! From the bottom up: `url`, `error` and `connection`; `connector` and `pool`, which make and lend
//! connections; `queue`, `job` and `readers`, the threads; `schema`, `record`, [`rows`] and
//! [`queries`], what is in the database; the [`journal`]; `handle`, which is [`Store`].

mod backup;
mod batched;
mod connection;
mod connector;
mod epochs;
mod error;
mod handle;
mod health;
mod job;
pub mod journal;
mod keyed;
mod migrate;
mod pool;
pub mod queries;
mod queue;
mod readers;
mod record;
pub mod rows;
pub mod schema;
mod url;

pub use backup::{BackupError, back_up};
pub use batched::{Batched, FindRows};
pub use connection::Connection;
pub use diesel::QueryResult;
pub use error::{CorruptRow, RowId, StoreError, WriteError};
pub use handle::{Store, StoreOptions};
pub use migrate::SchemaStatus;
pub use url::{DatabaseUrl, InvalidDatabaseUrl};
