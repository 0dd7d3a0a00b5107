//! Writes a batch of entries inside the transaction that is open.
//!
//! The order of steps is the same for all entries and on all nodes: disabled users, assertions,
//! prompts, guards, inserts; within a step kind by kind. Each step looks only at the entries that no step
//! before has decided.

use std::collections::HashMap;
use std::time::Duration;

use diesel::QueryResult;
use diesel::result::{DatabaseErrorKind, Error};

use super::changes::{Guard, Insert};
use super::entry::{Entry, Outcome};
use super::prompts::Prompt;
use super::write::write;
use crate::store::connection::Connection;
use crate::store::queries::prompts::lock_prompts;
use crate::store::queries::users::find_disabled_users;
use crate::store::rows::PromptRow;

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

    for (position, retry_after) in of_prompts_too_many(connection, &batch)? {
        batch.decide(vec![position], Outcome::TooManyPrompts { retry_after });
    }

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

    let prompts = batch
        .prompts()
        .map(|(position, prompt)| (position, &prompt.row));
    write(connection, prompts.collect())?;

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

    /// The prompts of entries that are not decided.
    fn prompts(&self) -> impl Iterator<Item = (usize, &'a Prompt)> {
        self.undecided()
            .filter_map(|(position, entry)| Some((position, entry.prompt.as_ref()?)))
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

/// The positions of the entries whose user was prompted too often, and how long they have to wait.
fn of_prompts_too_many(
    connection: &mut Connection,
    batch: &Batch<'_>,
) -> QueryResult<Vec<(usize, Duration)>> {
    let Some(since) = batch.prompts().map(|(_, prompt)| prompt.since()).min() else {
        return Ok(Vec::new());
    };
    let next: Vec<&PromptRow> = batch.prompts().map(|(_, prompt)| &prompt.row).collect();

    let mut earlier: HashMap<(String, String), Vec<(String, i64)>> = HashMap::new();
    for row in lock_prompts(connection, &next, since)? {
        earlier
            .entry((row.device_id, row.user_id))
            .or_default()
            .push((row.client_id, row.prompted_at));
    }

    let too_many = batch.prompts().filter_map(|(position, prompt)| {
        let budget = (prompt.row.device_id.clone(), prompt.row.user_id.clone());
        let retry_after = prompt.wait(earlier.get(&budget).map_or(&[], Vec::as_slice))?;
        Some((position, retry_after))
    });

    Ok(too_many.collect())
}

/// The error of an insert that has a condition, which must hold.
fn taken() -> Error {
    let message = "an idempotency key is taken".to_owned();
    Error::DatabaseError(DatabaseErrorKind::UniqueViolation, Box::new(message))
}
