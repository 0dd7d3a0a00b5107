//! The group-commit writer.

mod entry;

pub use entry::{Entry, Guard, Insert, Outcome};
