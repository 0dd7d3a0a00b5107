//! Writes a batch of entries inside the transaction that is open.
//!
//! The order of steps is the same for all entries and on all nodes: disabled users, assertions,
//! prompts, failures, messages, guards, inserts; within a step kind by kind. Each step looks only at the
//! entries that no step before has decided.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use diesel::QueryResult;
use diesel::result::{DatabaseErrorKind, Error};

use super::changes::{Guard, Insert};
use super::entry::{Budget, Entry, Outcome};
use super::failures::{Channel, Failures};
use super::prompts::Prompt;
use super::write::write;
use crate::store::connection::Connection;
use crate::store::queries::failures::{count_failure, find_failures, forget_failures};
use crate::store::queries::message_counts::{CountKey, add_to_counts, find_counts};
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
        let of = Budget::Prompts;
        batch.decide(vec![position], Outcome::TooMany { of, retry_after });
    }

    let failed = of_failures_too_many(connection, &batch)?;
    batch.decide(failed, Outcome::TooManyFailures);

    // After the other limits: what they refuse does not count.
    for (position, retry_after) in of_messages_too_many(connection, &batch)? {
        let of = Budget::Messages;
        batch.decide(vec![position], Outcome::TooMany { of, retry_after });
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
    count_failures(connection, &batch)?;

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
            .filter_map(|(position, entry)| Some((position, entry.prompt.as_deref()?)))
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

/// The positions of the entries whose message would be one too many, and how long they have to wait.
/// The others are counted.
fn of_messages_too_many(
    connection: &mut Connection,
    batch: &Batch<'_>,
) -> QueryResult<Vec<(usize, Duration)>> {
    let limited = || {
        let entries = batch.undecided();
        entries.filter(|(_, entry)| !entry.quotas.is_empty())
    };

    // All are counted first, which also keeps other servers from counting meanwhile. In the order of
    // their keys.
    let mut added: BTreeMap<CountKey, i64> = BTreeMap::new();
    let mut before = Vec::new();
    for quota in limited().flat_map(|(_, entry)| &entry.quotas) {
        *added.entry((quota.key.clone(), quota.start())).or_default() += 1;
        before.push((quota.key.clone(), quota.start_before()));
    }
    if added.is_empty() {
        return Ok(Vec::new());
    }

    before.sort_unstable();
    before.dedup();

    let additions: Vec<(CountKey, i64)> = added.clone().into_iter().collect();
    let mut counts: HashMap<CountKey, i64> =
        add_to_counts(connection, &additions)?.into_iter().collect();
    counts.extend(find_counts(connection, &before)?);
    let count_of = |counts: &HashMap<CountKey, i64>, key: &CountKey| {
        counts.get(key).copied().unwrap_or_default()
    };

    // Then one after the other, as if each came alone.
    for (key, count) in &additions {
        *counts.entry(key.clone()).or_default() -= count;
    }
    let mut too_many = Vec::new();
    for (position, entry) in limited() {
        let waits = entry.quotas.iter().filter_map(|quota| {
            let present = count_of(&counts, &(quota.key.clone(), quota.start()));
            let before = count_of(&counts, &(quota.key.clone(), quota.start_before()));
            quota.wait(before, present)
        });

        if let Some(wait) = waits.max() {
            too_many.push((position, wait));
            continue;
        }

        for quota in &entry.quotas {
            let key = (quota.key.clone(), quota.start());
            *counts.entry(key.clone()).or_default() += 1;
            *added.entry(key).or_default() -= 1;
        }
    }

    // What was refused does not count.
    let refused = added.into_iter().filter(|(_, count)| *count > 0);
    let given_back: Vec<(CountKey, i64)> = refused.map(|(key, count)| (key, -count)).collect();
    if !given_back.is_empty() {
        add_to_counts(connection, &given_back)?;
    }

    Ok(too_many)
}

/// The positions of the entries whose user has given too many wrong answers in a row.
fn of_failures_too_many(connection: &mut Connection, batch: &Batch<'_>) -> QueryResult<Vec<usize>> {
    let checked = || {
        batch
            .undecided()
            .filter_map(|(position, entry)| match &entry.failures {
                Some(Failures::Below { of, max }) => Some((position, of, *max)),
                _ => None,
            })
    };

    let mut too_many = Vec::new();
    for (name, users) in by_channel(checked().map(|(_, channel, _)| channel)) {
        let counts: HashMap<String, i64> = find_failures(connection, &users, name)?
            .into_iter()
            .collect();
        let of_channel = checked().filter(|(_, channel, _)| channel.name == name);
        let reached = of_channel.filter(|(_, channel, max)| {
            counts
                .get(&channel.user)
                .is_some_and(|count| *count >= i64::from(*max))
        });
        too_many.extend(reached.map(|(position, ..)| position));
    }

    Ok(too_many)
}

/// Counts wrong answers, and forgets those before a right one.
fn count_failures(connection: &mut Connection, batch: &Batch<'_>) -> QueryResult<()> {
    let steps: Vec<&Failures> = batch
        .undecided()
        .filter_map(|(_, entry)| entry.failures.as_ref())
        .collect();

    // In one order on all servers, so that nobody waits in a circle.
    let mut wrong: Vec<&Channel> = steps
        .iter()
        .filter_map(|step| match step {
            Failures::Count(channel) => Some(channel),
            _ => None,
        })
        .collect();
    wrong.sort_unstable();
    for channel in wrong {
        count_failure(connection, &channel.user, channel.name)?;
    }

    let right = steps.iter().filter_map(|step| match step {
        Failures::Forget(channel) => Some(channel),
        _ => None,
    });
    for (name, users) in by_channel(right) {
        forget_failures(connection, &users, name)?;
    }

    Ok(())
}

/// The users of each channel.
fn by_channel<'a>(
    channels: impl Iterator<Item = &'a Channel>,
) -> BTreeMap<&'static str, Vec<&'a str>> {
    let mut users: BTreeMap<&'static str, Vec<&str>> = BTreeMap::new();
    for channel in channels {
        users.entry(channel.name).or_default().push(&channel.user);
    }
    users
}

/// The error of an insert that has a condition, which must hold.
fn taken() -> Error {
    let message = "an idempotency key is taken".to_owned();
    Error::DatabaseError(DatabaseErrorKind::UniqueViolation, Box::new(message))
}
