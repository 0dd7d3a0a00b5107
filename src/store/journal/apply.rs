//! Writes a batch of entries inside the transaction that is open.
//!
//! The order of steps is the same for all entries and on all nodes: disabled users, assertions,
//! guards, inserts; within a step kind by kind. Each step looks only at the entries that no step
//! before has decided.

use std::collections::HashMap;

use diesel::QueryResult;
use diesel::result::{DatabaseErrorKind, Error};

use super::changes::{Guard, Insert};
use super::entry::{Entry, Outcome};
use super::write::write;
use crate::store::connection::Connection;
use crate::store::queries::users::find_disabled_users;

/// Writes the entries, of which no two concern the same row; returns an outcome for each, in order.
pub(super) fn apply(connection: &mut Connection, entries: &[&Entry]) -> QueryResult<Vec<Outcome>> {
    let mut batch = Batch::new(entries);

    // In the same transaction as what is written: no user is disabled in between.
    let disabled = of_disabled_users(connection, &batch)?;
    batch.decide(disabled, Outcome::UserDisabled);

    let assertions = batch
        .undecided()
        .flat_map(|(position, entry)| entry.assertions.iter().map(move |row| (position, row)));
    // Before the guards: an assertion counts as used even if the guard refuses.
    let replayed = write(connection, assertions.collect())?;
    batch.decide(replayed, Outcome::Replayed);

    let guards: Vec<(usize, &Guard)> = batch
        .undecided()
        .filter_map(|(position, entry)| Some((position, entry.guard.as_ref()?)))
        .collect();
    let refused = Guard::write_all(connection, &guards)?;
    batch.decide(refused, Outcome::Refused);

    let inserts: Vec<(usize, &Insert)> = batch
        .undecided()
        .flat_map(|(position, entry)| entry.inserts.iter().map(move |insert| (position, insert)))
        .collect();
    // By now the guards have changed rows, so that a refusal can only fail the batch. It is then
    // split until the entry is alone.
    if !Insert::write_all(connection, &inserts)?.is_empty() {
        return Err(taken());
    }

    Ok(batch.outcomes())
}

/// The entries of a batch, and what is decided about them.
struct Batch<'a> {
    entries: &'a [&'a Entry],
    outcomes: Vec<Option<Outcome>>,
}

impl<'a> Batch<'a> {
    fn new(entries: &'a [&'a Entry]) -> Self {
        let outcomes = vec![None; entries.len()];
        Self { entries, outcomes }
    }

    fn undecided(&self) -> impl Iterator<Item = (usize, &'a Entry)> {
        self.entries
            .iter()
            .zip(&self.outcomes)
            .enumerate()
            .filter(|(_, (_, outcome))| outcome.is_none())
            .map(|(position, (entry, _))| (position, *entry))
    }

    fn decide(&mut self, positions: Vec<usize>, decided: Outcome) {
        for position in positions {
            if let Some(outcome) = self.outcomes.get_mut(position) {
                *outcome = Some(decided);
            }
        }
    }

    /// What no step has decided against is committed.
    fn outcomes(self) -> Vec<Outcome> {
        self.outcomes
            .into_iter()
            .map(|outcome| outcome.unwrap_or(Outcome::Committed))
            .collect()
    }
}

/// The positions of the entries that name a disabled user.
fn of_disabled_users(connection: &mut Connection, batch: &Batch<'_>) -> QueryResult<Vec<usize>> {
    let named: Vec<(usize, &String)> = batch
        .undecided()
        .filter_map(|(position, entry)| Some((position, entry.user.as_ref()?)))
        .collect();
    // Most batches have nobody to look for.
    if named.is_empty() {
        return Ok(Vec::new());
    }

    let users: Vec<String> = named.iter().map(|(_, user)| (*user).clone()).collect();
    let disabled: HashMap<String, ()> = find_disabled_users(connection, &users)?
        .into_iter()
        .collect();

    Ok(named
        .into_iter()
        .filter(|(_, user)| disabled.contains_key(*user))
        .map(|(position, _)| position)
        .collect())
}

/// The error of an insert that has a condition, which must hold.
fn taken() -> Error {
    let message = "an idempotency key is taken".to_owned();
    Error::DatabaseError(DatabaseErrorKind::UniqueViolation, Box::new(message))
}
