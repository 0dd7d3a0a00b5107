//! What is handed to the journal.

use std::time::Duration;

use super::changes::{Guard, Insert};
use super::failures::Failures;
use super::prompts::Prompt;
use super::quotas::Quota;
use crate::store::record::{Key, Record as _};
use crate::store::rows::{AssertionIdRow, PromptRow};

/// A unit of work, committed whole or not at all: a condition, and what is written when it holds.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    /// The user in whose name it happens. Nothing is written where the user is disabled.
    pub user: Option<String>,
    /// Assertion ids that must be new. They count as used from then on, even when the guard
    /// refuses.
    pub assertions: Vec<AssertionIdRow>,
    /// The prompt that it owes to a user. Nothing is written where the user was prompted too often.
    pub prompt: Option<Box<Prompt>>,
    /// The limits that its message counts against. Nothing is written where one is reached.
    pub quotas: Vec<Quota>,
    /// What it has to do with the wrong answers of its user in a row.
    pub failures: Option<Failures>,
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
    /// An assertion was used before. Nothing was written, except that its other assertions may count
    /// as used.
    Replayed,
    /// The user is disabled. Nothing was written.
    UserDisabled,
    /// The user has given too many wrong answers in a row. Nothing was written.
    TooManyFailures,
    /// The message that it owes would be one too many. Nothing was written.
    TooMany {
        of: Budget,
        /// The next one is possible after this.
        retry_after: Duration,
    },
}

/// What has a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    /// Prompts of a user on a device.
    Prompts,
    /// Messages that are paid for.
    Messages,
}

impl Entry {
    /// How many rows it writes when its guard holds.
    pub(super) fn rows(&self) -> usize {
        self.assertions.len()
            + usize::from(self.prompt.is_some())
            + self.quotas.len()
            + usize::from(self.failures.is_some())
            + usize::from(self.guard.is_some())
            + self.inserts.len()
    }

    /// The rows it concerns, by table and key.
    pub(super) fn concerns(&self) -> impl Iterator<Item = (&'static str, Key<'_>)> {
        let assertions = self
            .assertions
            .iter()
            .map(|row| (AssertionIdRow::TABLE, row.key()));

        // Not the row, which is new, but the budget: two prompts that share a commit would not see each
        // other.
        let prompt = self.prompt.iter().map(|prompt| -> (_, Key<'_>) {
            let row = &prompt.row;
            let budget = [row.device_id.as_bytes(), row.user_id.as_bytes(), &[]];
            (PromptRow::TABLE, budget)
        });

        assertions
            .chain(prompt)
            .chain(self.guard.iter().map(Guard::concerns))
            .chain(self.inserts.iter().map(Insert::concerns))
    }
}
