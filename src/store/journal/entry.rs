//! What is handed to the journal.

use super::super::rows::{
    AccessTokenRow, AssertionIdRow, CallbackRow, EventRow, IdempotencyRow, TransactionRow, TransactionUpdate,
};

/// One change, committed whole or not at all: a condition and what is written when it holds.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    /// The condition, which is a write itself.
    pub guard: Guard,
    /// Written when the guard held.
    pub inserts: Vec<Insert>,
}

/// The one condition of an [`Entry`]. Where it does not hold the outcome is [`Outcome::Refused`] and nothing is written.
#[derive(Clone, Debug, Default)]
pub enum Guard {
    /// No condition.
    #[default]
    None,
    /// The transaction still has the version the change was decided on.
    Transaction(Box<TransactionUpdate>),
    /// The key is new.
    IdempotencyKey(Box<IdempotencyRow>),
    /// The client assertion was not seen before.
    AssertionId(Box<AssertionIdRow>),
}

/// A row that is new and needs no condition.
#[derive(Clone, Debug)]
pub enum Insert {
    /// A transaction starts.
    Transaction(Box<TransactionRow>),
    /// An event for the audit log.
    Event(Box<EventRow>),
    /// A callback to send.
    Callback(Box<CallbackRow>),
    /// The idempotency key that asked for the guarded change.
    IdempotencyKey(Box<IdempotencyRow>),
    /// A token was issued.
    AccessToken(Box<AccessTokenRow>),
}

/// What became of an [`Entry`] that was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// Durable.
    Committed,
    /// The guard did not hold; nothing was written.
    Refused,
}

impl Entry {
    /// How many rows it writes when its guard holds.
    pub(super) fn rows(&self) -> usize {
        let guard = match self.guard {
            Guard::None => 0,
            Guard::Transaction(_) | Guard::IdempotencyKey(_) | Guard::AssertionId(_) => 1,
        };
        guard + self.inserts.len()
    }
}
