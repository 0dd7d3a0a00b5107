//! A batch on PostgreSQL: one statement for all rows of a kind, whatever their number. Statement by statement the way to the
//! server and back would be the ceiling.

use std::collections::{HashMap, HashSet};

use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Binary, Text};
use diesel::{ExpressionMethods as _, PgConnection, QueryDsl as _, QueryResult, RunQueryDsl, delete, insert_into};

use super::columns::{Element, epochs_of_u, insert_access_tokens, insert_grants, set_statement};
use super::entry::{Entry, Guard, Insert, Outcome};
use crate::store::rows::{
    AccessTokenRow, AssertionIdRow, AuthenticatorKey, AuthenticatorTry, CallbackRow, CodeRedemption, EventRow,
    GrantRow, IdBytes, IdempotencyRow, RefreshRotation, RefreshTokenRow, TransactionRow, TransactionUpdate,
};
use crate::store::schema::idempotency_keys;

/// Writes the entries inside the transaction that is open: an outcome for each, in order. No two of them touch the same row.
pub(super) fn apply(connection: &mut PgConnection, entries: &[&Entry]) -> QueryResult<Vec<Outcome>> {
    let outcomes = decide(connection, entries)?;
    let committed = entries.iter().zip(&outcomes).filter(|(_, outcome)| **outcome == Outcome::Committed);
    insert(connection, committed.flat_map(|(entry, _)| &entry.inserts))?;
    Ok(outcomes)
}

/// Takes the assertions, then runs the guards of the entries whose assertions are new.
fn decide(connection: &mut PgConnection, entries: &[&Entry]) -> QueryResult<Vec<Outcome>> {
    let replayed = replayed(connection, entries)?;
    let mut guards = Guards::default();
    let mut outcomes = Vec::with_capacity(entries.len());
    for (position, entry) in entries.iter().enumerate() {
        if replayed.contains(&position) {
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

/// Takes the assertions; the positions of the entries that have one which was seen before.
fn replayed(connection: &mut PgConnection, entries: &[&Entry]) -> QueryResult<HashSet<usize>> {
    let all = || {
        let positions = entries.iter().enumerate();
        positions.flat_map(|(position, entry)| entry.assertions.iter().map(move |row| (position, row)))
    };
    let rows: Vec<&AssertionIdRow> = all().map(|(_, row)| row).collect();
    if rows.is_empty() {
        return Ok(HashSet::new());
    }
    let inserted: Vec<(String, Vec<u8>)> = InsertAssertionIds::new(&rows).load(connection)?;
    let inserted: HashSet<_> = inserted.iter().map(|(client, hash)| (client.as_str(), hash.as_slice())).collect();
    let seen = |row: &AssertionIdRow| !inserted.contains(&(row.client_id.as_str(), row.jti_hash.as_slice()));
    Ok(all().filter(|(_, row)| seen(row)).map(|(position, _)| position).collect())
}

/// The guards of a batch by kind, each with the position of its entry.
#[derive(Default)]
struct Guards<'a> {
    none: Vec<usize>,
    transactions: Guarded<'a, TransactionUpdate>,
    idempotency_keys: Guarded<'a, IdempotencyRow>,
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
        Self { positions: Vec::new(), rows: Vec::new() }
    }
}

impl<'a, T> Guarded<'a, T> {
    fn push(&mut self, position: usize, row: &'a T) {
        self.positions.push(position);
        self.rows.push(row);
    }

    /// Runs a statement that returns the ordinals of the rows whose condition held; the positions of their entries.
    fn holding(self, update: impl FnOnce(&[&T]) -> QueryResult<Vec<i64>>) -> QueryResult<Vec<usize>> {
        if self.rows.is_empty() {
            return Ok(Vec::new());
        }
        // `WITH ORDINALITY` counts from 1.
        let position = |ordinal| self.positions.get(usize::try_from(ordinal).ok()?.checked_sub(1)?).copied();
        Ok(update(&self.rows)?.into_iter().filter_map(position).collect())
    }
}

impl<'a> Guards<'a> {
    fn add(&mut self, position: usize, guard: &'a Guard) {
        match guard {
            Guard::None => self.none.push(position),
            Guard::Transaction(update) => self.transactions.push(position, update),
            Guard::IdempotencyKey(row) => self.idempotency_keys.push(position, row),
            Guard::Code(redemption) => self.codes.push(position, redemption),
            Guard::DeviceCode(redemption) => self.device_codes.push(position, redemption),
            Guard::RefreshToken(rotation) => self.refresh_tokens.push(position, rotation),
            Guard::AuthenticatorTry(attempt) => self.authenticator_tries.push(position, attempt),
        }
    }

    /// Runs them all; the positions of those that hold.
    fn holding(self, connection: &mut PgConnection) -> QueryResult<Vec<usize>> {
        let mut holding = self.none;
        holding.extend(self.transactions.holding(|rows| UpdateTransactions::new(rows).load(connection))?);
        holding.extend(self.codes.holding(|rows| RedeemCodes::new(rows).load(connection))?);
        holding.extend(self.device_codes.holding(|rows| RedeemDeviceCodes::new(rows).load(connection))?);
        holding.extend(self.refresh_tokens.holding(|rows| RotateRefreshTokens::new(rows).load(connection))?);
        holding.extend(self.authenticator_tries.holding(|rows| CountTries::new(rows).load(connection))?);
        holding.extend(take_idempotency_keys(connection, &self.idempotency_keys)?);
        Ok(holding)
    }
}

/// An insert returns columns of its table only, so the rows that came back are found by their key.
fn take_idempotency_keys(connection: &mut PgConnection, keys: &Guarded<'_, IdempotencyRow>) -> QueryResult<Vec<usize>> {
    if keys.rows.is_empty() {
        return Ok(Vec::new());
    }
    let inserted: Vec<(String, Vec<u8>)> = InsertIdempotencyKeys::new(&keys.rows).load(connection)?;
    let key = |row: &IdempotencyRow| (row.client_id.clone(), row.key_hash.clone());
    let positions: HashMap<_, _> = keys.rows.iter().map(|row| key(row)).zip(keys.positions.iter().copied()).collect();
    Ok(inserted.into_iter().filter_map(|key| positions.get(&key).copied()).collect())
}

/// What is to be written, by kind.
#[derive(Default)]
struct Inserts<'a> {
    transactions: Vec<&'a TransactionRow>,
    events: Vec<&'a EventRow>,
    callbacks: Vec<&'a CallbackRow>,
    grants: Vec<&'a GrantRow>,
    refresh_tokens: Vec<&'a RefreshTokenRow>,
    access_tokens: Vec<&'a AccessTokenRow>,
    authenticator_successes: Vec<&'a AuthenticatorKey>,
}

fn insert<'a>(connection: &mut PgConnection, inserts: impl Iterator<Item = &'a Insert>) -> QueryResult<()> {
    let mut rows = Inserts::default();
    for insert in inserts {
        match insert {
            Insert::Transaction(row) => rows.transactions.push(row),
            Insert::Event(row) => rows.events.push(row),
            Insert::Callback(row) => rows.callbacks.push(row),
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
    insert_into(dsl::idempotency_keys).values(row).execute(connection).map(drop)
}

set_statement! {
    /// Saves transactions whose version is still the expected one; returns the ordinals of these.
    UpdateTransactions over TransactionUpdate:
    "UPDATE transactions AS t SET \
       version = t.version + 1, status = u.status, reason = u.reason, attempts = u.attempts, resends = u.resends, \
       delivery_due = u.delivery_due, finished_at = u.finished_at, answer = COALESCE(u.answer, t.answer), \
       user_id = COALESCE(u.user_id, t.user_id), device_id = COALESCE(u.device_id, t.device_id), \
       profile_id = COALESCE(u.profile_id, t.profile_id) FROM ",
    " WITH ORDINALITY AS u (id, expected_version, status, reason, attempts, resends, delivery_due, finished_at, answer, \
       user_id, device_id, profile_id, ordinal) \
     WHERE t.id = u.id AND t.version = u.expected_version RETURNING u.ordinal" => BigInt;
    {
        id: [u8; 16],
        expected_version: i64,
        status: i16,
        reason: Option<i16>,
        attempts: i32,
        resends: i32,
        delivery_due: bool,
        finished_at: Option<i64>,
        answer: Option<String>,
        user_id: Option<String>,
        device_id: Option<String>,
        profile_id: Option<String>,
    }
}

set_statement! {
    /// Takes idempotency keys that are new, or whose last use has expired and was not swept yet.
    InsertIdempotencyKeys over IdempotencyRow:
    "INSERT INTO idempotency_keys \
       (client_id, key_hash, request_hash, transaction_id, answer, created_at, expires_at) SELECT * FROM ",
    " ON CONFLICT (client_id, key_hash) DO UPDATE SET request_hash = excluded.request_hash, \
       transaction_id = excluded.transaction_id, answer = excluded.answer, created_at = excluded.created_at, \
       expires_at = excluded.expires_at \
     WHERE idempotency_keys.expires_at <= excluded.created_at RETURNING client_id, key_hash" => (Text, Binary);
    {
        client_id: String,
        key_hash: Vec<u8>,
        request_hash: Vec<u8>,
        transaction_id: Option<IdBytes>,
        answer: Option<Vec<u8>>,
        created_at: i64,
        expires_at: i64,
    }
}

set_statement! {
    /// Takes assertion ids that are new.
    InsertAssertionIds over AssertionIdRow:
    "INSERT INTO assertion_ids (client_id, jti_hash, expires_at) SELECT * FROM ",
    " ON CONFLICT DO NOTHING RETURNING client_id, jti_hash" => (Text, Binary);
    { client_id: String, jti_hash: Vec<u8>, expires_at: i64 }
}

set_statement! {
    /// New transactions.
    InsertTransactions over TransactionRow:
    "INSERT INTO transactions (id, version, client_id, type_name, method, status, reason, user_id, device_id, profile_id, \
       attempts, attempts_max, resends, resends_max, delivery_due, created_at, expires_at, finished_at, callback_uri, \
       content, answer) SELECT * FROM ",
    "";
    {
        id: IdBytes,
        version: i64,
        client_id: String,
        type_name: String,
        method: i16,
        status: i16,
        reason: Option<i16>,
        user_id: Option<String>,
        device_id: Option<String>,
        profile_id: Option<String>,
        attempts: i32,
        attempts_max: i32,
        resends: i32,
        resends_max: i32,
        delivery_due: bool,
        created_at: i64,
        expires_at: i64,
        finished_at: Option<i64>,
        callback_uri: Option<String>,
        content: Vec<u8>,
        answer: Option<String>,
    }
}

set_statement! {
    /// New events.
    InsertEvents over EventRow:
    "INSERT INTO events (id, occurred_at, event_type, client_id, user_id, device_id, transaction_id) SELECT * FROM ",
    "";
    {
        id: IdBytes,
        occurred_at: i64,
        event_type: String,
        client_id: Option<String>,
        user_id: Option<String>,
        device_id: Option<String>,
        transaction_id: Option<IdBytes>,
    }
}

set_statement! {
    /// New callbacks.
    InsertCallbacks over CallbackRow:
    "INSERT INTO callbacks (id, transaction_id, callback_uri, state, attempts, created_at, due_at, lease_until, fence, \
       finished_at, last_error) SELECT * FROM ",
    "";
    {
        id: IdBytes,
        transaction_id: IdBytes,
        callback_uri: String,
        state: i16,
        attempts: i32,
        created_at: i64,
        due_at: i64,
        lease_until: i64,
        fence: i64,
        finished_at: Option<i64>,
        last_error: Option<String>,
    }
}

set_statement! {
    /// Marks codes as exchanged; returns the ordinals of those that were not.
    RedeemCodes over CodeRedemption:
    "UPDATE authorizations AS t SET status = u.status, grant_id = u.grant_id FROM ",
    " WITH ORDINALITY AS u (id, expected_status, status, grant_id, ordinal) \
     WHERE t.id = u.id AND t.status = u.expected_status RETURNING u.ordinal" => BigInt;
    { id: IdBytes, expected_status: i16, status: i16, grant_id: Option<IdBytes> }
}

set_statement! {
    /// Marks devices' codes as exchanged; returns the ordinals of those that were not.
    RedeemDeviceCodes over CodeRedemption:
    "UPDATE device_codes AS t SET status = u.status FROM ",
    " WITH ORDINALITY AS u (id, expected_status, status, ordinal) \
     WHERE t.id = u.id AND t.status = u.expected_status RETURNING u.ordinal" => BigInt;
    { id: IdBytes, expected_status: i16, status: i16 }
}

set_statement! {
    /// Rotates refresh tokens that are still the last ones; returns the ordinals of these.
    RotateRefreshTokens over RefreshRotation:
    "UPDATE refresh_tokens AS t SET \
       generation = u.generation + 1, issued_at = u.issued_at, expires_at = u.expires_at FROM ",
    " WITH ORDINALITY AS u (id, generation, issued_at, expires_at, ordinal) \
     WHERE t.id = u.id AND t.generation = u.generation RETURNING u.ordinal" => BigInt;
    { id: IdBytes, generation: i32, issued_at: i64, expires_at: i64 }
}

set_statement! {
    /// Counts tries where there is one left; returns the ordinals of these.
    CountTries over AuthenticatorTry:
    "UPDATE authenticators AS t SET failures = t.failures + 1 FROM ",
    " WITH ORDINALITY AS u (device_id, user_id, name, failures_max, ordinal) \
     WHERE t.device_id = u.device_id AND t.user_id = u.user_id AND t.name = u.name AND t.failures < u.failures_max \
     RETURNING u.ordinal" => BigInt;
    { device_id: String, user_id: String, name: String, failures_max: i32 }
}

set_statement! {
    /// Forgets failures after a success.
    ForgetFailures over AuthenticatorKey:
    "UPDATE authenticators AS t SET failures = 0 FROM ",
    " AS u (device_id, user_id, name) \
     WHERE t.device_id = u.device_id AND t.user_id = u.user_id AND t.name = u.name";
    { device_id: String, user_id: String, name: String }
}

set_statement! {
    /// New grants, under the epochs of now.
    InsertGrants over GrantRow:
    insert_grants!(),
    concat!(
        " AS u (id, client_id, application_id, user_id, scope, resource_server, amr, acr, auth_time, created_at, expires_at)",
        epochs_of_u!()
    );
    {
        id: IdBytes,
        client_id: String,
        application_id: Option<String>,
        user_id: String,
        scope: String,
        resource_server: Option<String>,
        amr: Option<String>,
        acr: Option<String>,
        auth_time: i64,
        created_at: i64,
        expires_at: i64,
    }
}

set_statement! {
    /// New families of refresh tokens.
    InsertRefreshTokens over RefreshTokenRow:
    "INSERT INTO refresh_tokens (id, grant_id, authenticator, jkt, generation, issued_at, expires_at) SELECT * FROM ",
    "";
    {
        id: IdBytes,
        grant_id: IdBytes,
        authenticator: String,
        jkt: Option<String>,
        generation: i32,
        issued_at: i64,
        expires_at: i64,
    }
}

set_statement! {
    /// New access tokens, under the epochs of now.
    InsertAccessTokens over AccessTokenRow:
    insert_access_tokens!(),
    concat!(
        " AS u (id, token_hash, grant_id, client_id, application_id, user_id, scope, resource_server, jkt, issued_at, \
           expires_at)",
        epochs_of_u!()
    );
    {
        id: IdBytes,
        token_hash: Option<Vec<u8>>,
        grant_id: Option<IdBytes>,
        client_id: String,
        application_id: Option<String>,
        user_id: Option<String>,
        scope: String,
        resource_server: Option<String>,
        jkt: Option<String>,
        issued_at: i64,
        expires_at: i64,
    }
}
