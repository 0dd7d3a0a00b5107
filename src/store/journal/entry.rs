//! What is handed to the journal.

use super::changes::{Guard, Insert};
use crate::store::record::{Key, Record as _};
use crate::store::rows::AssertionIdRow;

/// A unit of work, committed whole or not at all: a condition, and what is written when it holds.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    /// The user in whose name it happens. Nothing is written where the user is disabled.
    pub user: Option<String>,
    /// Assertion ids that must be new. They count as used from then on, even when the guard
    /// refuses.
    pub assertions: Vec<AssertionIdRow>,
    /// Where it refuses, the outcome is [`Outcome::Refused`].
    pub guard: Option<Guard>,
    pub inserts: Vec<Insert>,
}

/// What became of an [`Entry`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// Everything is durable.
    Committed,
    /// The guard refused. Nothing was written, except that the assertions were used.
    Refused,
    /// An assertion was used before. Nothing else was written.
    Replayed,
    /// The user is disabled. Nothing was written.
    UserDisabled,
}

impl Entry {
    /// How many rows it writes when its guard holds.
    pub(super) fn rows(&self) -> usize {
        self.assertions.len() + usize::from(self.guard.is_some()) + self.inserts.len()
    }

    /// The rows it concerns, by table and key.
    pub(super) fn concerns(&self) -> impl Iterator<Item = (&'static str, Key<'_>)> {
        let assertions = self
            .assertions
            .iter()
            .map(|row| (AssertionIdRow::TABLE, row.key()));

        assertions
            .chain(self.guard.iter().map(Guard::concerns))
            .chain(self.inserts.iter().map(Insert::concerns))
    }
}
