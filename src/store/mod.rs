//! Storage: SQLite embedded or PostgreSQL, behind one interface. Knows rows and queries, no feature.

mod error;
pub mod journal;
pub mod rows;
pub mod schema;

pub use error::StoreError;
