//! A batch on PostgreSQL: one statement for all rows of a kind, whatever their number. Statement by
//! statement the way to the server and back would be the ceiling.

mod statements;

use std::collections::{HashMap, HashSet};

use diesel::{
    ExpressionMethods as _, PgConnection, QueryDsl as _, QueryResult, RunQueryDsl, delete,
    insert_into,
};

use super::entry::{Entry, Guard, Insert, Outcome};
use crate::store::rows::{
    AccessTokenRow, AssertionIdRow, AuthenticatorKey, AuthenticatorTry, AuthorizationRow,
    AuthorizationStep, CallbackRow, CodeRedemption, EventRow, GrantRow, IdempotencyRow,
    RefreshRotation, RefreshTokenRow, TransactionRow, TransactionUpdate,
};
use crate::store::schema::{disabled_users, idempotency_keys};
use statements::{
    CountTries, ForgetFailures, InsertAccessTokens, InsertAssertionIds, InsertAuthorizations,
    InsertCallbacks, InsertEvents, InsertGrants, InsertIdempotencyKeys, InsertRefreshTokens,
    InsertTransactions, RedeemCodes, RedeemDeviceCodes, RotateRefreshTokens, StepAuthorizations,
    UpdateTransactions,
};

/// Writes the entries inside the transaction that is open: an outcome for each, in order. No two of
/// them touch the same row.
pub(super) fn apply(
    connection: &mut PgConnection,
    entries: &[&Entry],
) -> QueryResult<Vec<Outcome>> {
    let outcomes = decide(connection, entries)?;
    let committed = entries
        .iter()
        .zip(&outcomes)
        .filter(|(_, outcome)| **outcome == Outcome::Committed);
    insert(connection, committed.flat_map(|(entry, _)| &entry.inserts))?;
    Ok(outcomes)
}

/// Leaves out disabled users, takes the assertions of the others, then runs the guards of those
/// whose assertions are new.
fn decide(connection: &mut PgConnection, entries: &[&Entry]) -> QueryResult<Vec<Outcome>> {
    let disabled = disabled(connection, entries)?;
    let is_disabled = |entry: &Entry| {
        entry
            .user
            .as_ref()
            .is_some_and(|user| disabled.contains(user))
    };
    let replayed = replayed(connection, entries, is_disabled)?;
    let mut guards = Guards::default();
    let mut outcomes = Vec::with_capacity(entries.len());
    for (position, entry) in entries.iter().enumerate() {
        if is_disabled(entry) {
            outcomes.push(Outcome::UserDisabled);
        } else if replayed.contains(&position) {
            outcomes.push(Outcome::Replayed);
        } else {
            outcomes.push(Outcome::Refused);
            guards.add(position, &entry.guard);
        }
    }
    for position in guards.holding(connection)? {
        if let Some(outcome) = outcomes.get_mut(position) {
            *outcome = Outcome::Committed;
        }
    }
    Ok(outcomes)
}

/// Those of the users in whose names the entries are who are disabled.
fn disabled(connection: &mut PgConnection, entries: &[&Entry]) -> QueryResult<HashSet<String>> {
    let users: Vec<&str> = entries
        .iter()
        .filter_map(|entry| entry.user.as_deref())
        .collect();
    if users.is_empty() {
        return Ok(HashSet::new());
    }
    let found: Vec<String> = disabled_users::table
        .filter(disabled_users::user_id.eq_any(users))
        .select(disabled_users::user_id)
        .load(connection)?;
    Ok(found.into_iter().collect())
}

/// Takes the assertions; the positions of the entries that have one which was seen before.
fn replayed(
    connection: &mut PgConnection,
    entries: &[&Entry],
    is_disabled: impl Fn(&Entry) -> bool,
) -> QueryResult<HashSet<usize>> {
    let all = || {
        let positions = entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| !is_disabled(entry));
        positions
            .flat_map(|(position, entry)| entry.assertions.iter().map(move |row| (position, row)))
    };
    let rows: Vec<&AssertionIdRow> = all().map(|(_, row)| row).collect();
    if rows.is_empty() {
        return Ok(HashSet::new());
    }
    let inserted: Vec<(String, Vec<u8>)> = InsertAssertionIds::new(&rows).load(connection)?;
    let inserted: HashSet<_> = inserted
        .iter()
        .map(|(client, hash)| (client.as_str(), hash.as_slice()))
        .collect();
    let seen = |row: &AssertionIdRow| {
        !inserted.contains(&(row.client_id.as_str(), row.jti_hash.as_slice()))
    };
    Ok(all()
        .filter(|(_, row)| seen(row))
        .map(|(position, _)| position)
        .collect())
}

/// The guards of a batch by kind, each with the position of its entry.
#[derive(Default)]
struct Guards<'a> {
    none: Vec<usize>,
    transactions: Guarded<'a, TransactionUpdate>,
    idempotency_keys: Guarded<'a, IdempotencyRow>,
    authorizations: Guarded<'a, AuthorizationStep>,
    codes: Guarded<'a, CodeRedemption>,
    device_codes: Guarded<'a, CodeRedemption>,
    refresh_tokens: Guarded<'a, RefreshRotation>,
    authenticator_tries: Guarded<'a, AuthenticatorTry>,
}

/// Guards of one kind: the positions of their entries, and what they write.
struct Guarded<'a, T> {
    positions: Vec<usize>,
    rows: Vec<&'a T>,
}

impl<T> Default for Guarded<'_, T> {
    fn default() -> Self {
        Self {
            positions: Vec::new(),
            rows: Vec::new(),
        }
    }
}

impl<'a, T> Guarded<'a, T> {
    fn push(&mut self, position: usize, row: &'a T) {
        self.positions.push(position);
        self.rows.push(row);
    }

    /// Runs a statement that returns the ordinals of the rows whose condition held; the positions
    /// of their entries.
    fn holding(
        self,
        update: impl FnOnce(&[&T]) -> QueryResult<Vec<i64>>,
    ) -> QueryResult<Vec<usize>> {
        if self.rows.is_empty() {
            return Ok(Vec::new());
        }
        // `WITH ORDINALITY` counts from 1.
        let position = |ordinal| {
            self.positions
                .get(usize::try_from(ordinal).ok()?.checked_sub(1)?)
                .copied()
        };
        Ok(update(&self.rows)?
            .into_iter()
            .filter_map(position)
            .collect())
    }
}

impl<'a> Guards<'a> {
    fn add(&mut self, position: usize, guard: &'a Guard) {
        match guard {
            Guard::None => self.none.push(position),
            Guard::Transaction(update) => self.transactions.push(position, update),
            Guard::IdempotencyKey(row) => self.idempotency_keys.push(position, row),
            Guard::Authorization(step) => self.authorizations.push(position, step),
            Guard::Code(redemption) => self.codes.push(position, redemption),
            Guard::DeviceCode(redemption) => self.device_codes.push(position, redemption),
            Guard::RefreshToken(rotation) => self.refresh_tokens.push(position, rotation),
            Guard::AuthenticatorTry(attempt) => self.authenticator_tries.push(position, attempt),
        }
    }

    /// Runs them all; the positions of those that hold.
    fn holding(self, connection: &mut PgConnection) -> QueryResult<Vec<usize>> {
        let mut holding = self.none;
        holding.extend(
            self.transactions
                .holding(|rows| UpdateTransactions::new(rows).load(connection))?,
        );
        holding.extend(
            self.authorizations
                .holding(|rows| StepAuthorizations::new(rows).load(connection))?,
        );
        holding.extend(
            self.codes
                .holding(|rows| RedeemCodes::new(rows).load(connection))?,
        );
        holding.extend(
            self.device_codes
                .holding(|rows| RedeemDeviceCodes::new(rows).load(connection))?,
        );
        holding.extend(
            self.refresh_tokens
                .holding(|rows| RotateRefreshTokens::new(rows).load(connection))?,
        );
        holding.extend(
            self.authenticator_tries
                .holding(|rows| CountTries::new(rows).load(connection))?,
        );
        holding.extend(take_idempotency_keys(connection, &self.idempotency_keys)?);
        Ok(holding)
    }
}

/// An insert returns columns of its table only, so the rows that came back are found by their key.
fn take_idempotency_keys(
    connection: &mut PgConnection,
    keys: &Guarded<'_, IdempotencyRow>,
) -> QueryResult<Vec<usize>> {
    if keys.rows.is_empty() {
        return Ok(Vec::new());
    }
    let inserted: Vec<(String, Vec<u8>)> =
        InsertIdempotencyKeys::new(&keys.rows).load(connection)?;
    let key = |row: &IdempotencyRow| (row.client_id.clone(), row.key_hash.clone());
    let positions: HashMap<_, _> = keys
        .rows
        .iter()
        .map(|row| key(row))
        .zip(keys.positions.iter().copied())
        .collect();
    Ok(inserted
        .into_iter()
        .filter_map(|key| positions.get(&key).copied())
        .collect())
}

/// What is to be written, by kind.
#[derive(Default)]
struct Inserts<'a> {
    transactions: Vec<&'a TransactionRow>,
    events: Vec<&'a EventRow>,
    callbacks: Vec<&'a CallbackRow>,
    authorizations: Vec<&'a AuthorizationRow>,
    grants: Vec<&'a GrantRow>,
    refresh_tokens: Vec<&'a RefreshTokenRow>,
    access_tokens: Vec<&'a AccessTokenRow>,
    authenticator_successes: Vec<&'a AuthenticatorKey>,
}

fn insert<'a>(
    connection: &mut PgConnection,
    inserts: impl Iterator<Item = &'a Insert>,
) -> QueryResult<()> {
    let mut rows = Inserts::default();
    for insert in inserts {
        match insert {
            Insert::Transaction(row) => rows.transactions.push(row),
            Insert::Event(row) => rows.events.push(row),
            Insert::Callback(row) => rows.callbacks.push(row),
            Insert::Authorization(row) => rows.authorizations.push(row),
            Insert::Grant(row) => rows.grants.push(row),
            Insert::RefreshToken(row) => rows.refresh_tokens.push(row),
            Insert::AccessToken(row) => rows.access_tokens.push(row),
            Insert::AuthenticatorSuccess(key) => rows.authenticator_successes.push(key),
            // Few, and each with a message to send again: not worth a statement for the set.
            Insert::IdempotencyKey(row) => insert_idempotency_key(connection, row)?,
        }
    }
    rows.write(connection)
}

impl Inserts<'_> {
    fn write(&self, connection: &mut PgConnection) -> QueryResult<()> {
        if !self.transactions.is_empty() {
            InsertTransactions::new(&self.transactions).execute(connection)?;
        }
        if !self.events.is_empty() {
            InsertEvents::new(&self.events).execute(connection)?;
        }
        if !self.callbacks.is_empty() {
            InsertCallbacks::new(&self.callbacks).execute(connection)?;
        }
        if !self.authorizations.is_empty() {
            InsertAuthorizations::new(&self.authorizations).execute(connection)?;
        }
        if !self.grants.is_empty() {
            InsertGrants::new(&self.grants).execute(connection)?;
        }
        if !self.refresh_tokens.is_empty() {
            InsertRefreshTokens::new(&self.refresh_tokens).execute(connection)?;
        }
        if !self.access_tokens.is_empty() {
            InsertAccessTokens::new(&self.access_tokens).execute(connection)?;
        }
        if !self.authenticator_successes.is_empty() {
            ForgetFailures::new(&self.authenticator_successes).execute(connection)?;
        }
        Ok(())
    }
}

/// A key that has expired and was not swept yet counts as new.
fn insert_idempotency_key(connection: &mut PgConnection, row: &IdempotencyRow) -> QueryResult<()> {
    use idempotency_keys::dsl;
    let same = dsl::idempotency_keys.find((&row.client_id, &row.key_hash));
    delete(same.filter(dsl::expires_at.le(row.created_at))).execute(connection)?;
    insert_into(dsl::idempotency_keys)
        .values(row)
        .execute(connection)
        .map(drop)
}
