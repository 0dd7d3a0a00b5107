//! A batch on PostgreSQL: one statement for all rows of a kind, whatever their number. Statement by statement the way to the
//! server and back would be the ceiling.

use std::collections::HashMap;

use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Binary, Text};
use diesel::{ExpressionMethods as _, PgConnection, QueryDsl as _, QueryResult, RunQueryDsl, delete, insert_into};

use super::columns::{Element, set_statement};
use super::entry::{Entry, Guard, Insert, Outcome};
use crate::store::rows::{
    AccessTokenRow, AssertionIdRow, CallbackRow, EventRow, IdBytes, IdempotencyRow, TransactionRow, TransactionUpdate,
};
use crate::store::schema::idempotency_keys;

/// Writes the entries inside the transaction that is open: an outcome for each, in order. No two of them touch the same row.
pub(super) fn apply(connection: &mut PgConnection, entries: &[&Entry]) -> QueryResult<Vec<Outcome>> {
    let outcomes = decide(connection, entries)?;
    let committed = entries.iter().zip(&outcomes).filter(|(_, outcome)| **outcome == Outcome::Committed);
    insert(connection, committed.flat_map(|(entry, _)| &entry.inserts))?;
    Ok(outcomes)
}

/// Runs the guards.
fn decide(connection: &mut PgConnection, entries: &[&Entry]) -> QueryResult<Vec<Outcome>> {
    let mut guards = Guards::default();
    for (position, entry) in entries.iter().enumerate() {
        match &entry.guard {
            Guard::None => guards.none.push(position),
            Guard::Transaction(update) => guards.transactions.push((position, update)),
            Guard::IdempotencyKey(row) => guards.idempotency_keys.push((position, row)),
            Guard::AssertionId(row) => guards.assertion_ids.push((position, row)),
        }
    }
    let mut outcomes = vec![Outcome::Refused; entries.len()];
    for position in guards.holding(connection)? {
        if let Some(outcome) = outcomes.get_mut(position) {
            *outcome = Outcome::Committed;
        }
    }
    Ok(outcomes)
}

/// The guards of a batch by kind, each with the position of its entry.
#[derive(Default)]
struct Guards<'a> {
    none: Vec<usize>,
    transactions: Vec<(usize, &'a TransactionUpdate)>,
    idempotency_keys: Vec<(usize, &'a IdempotencyRow)>,
    assertion_ids: Vec<(usize, &'a AssertionIdRow)>,
}

impl Guards<'_> {
    /// Runs them all; the positions of those that hold.
    fn holding(self, connection: &mut PgConnection) -> QueryResult<Vec<usize>> {
        let mut holding = self.none;
        if !self.transactions.is_empty() {
            let (positions, updates): (Vec<_>, Vec<_>) = self.transactions.into_iter().unzip();
            let ordinals: Vec<i64> = UpdateTransactions::new(&updates).load(connection)?;
            // `WITH ORDINALITY` counts from 1.
            let position = |ordinal| positions.get(usize::try_from(ordinal).ok()?.checked_sub(1)?).copied();
            holding.extend(ordinals.into_iter().filter_map(position));
        }
        if !self.idempotency_keys.is_empty() {
            let rows: Vec<_> = self.idempotency_keys.iter().map(|(_, row)| *row).collect();
            let inserted: Vec<(String, Vec<u8>)> = InsertIdempotencyKeys::new(&rows).load(connection)?;
            let key = |row: &IdempotencyRow| (row.client_id.clone(), row.key_hash.clone());
            holding.extend(positions_of(inserted, self.idempotency_keys.iter().map(|(at, row)| (key(row), *at))));
        }
        if !self.assertion_ids.is_empty() {
            let rows: Vec<_> = self.assertion_ids.iter().map(|(_, row)| *row).collect();
            let inserted: Vec<(String, Vec<u8>)> = InsertAssertionIds::new(&rows).load(connection)?;
            let key = |row: &AssertionIdRow| (row.client_id.clone(), row.jti_hash.clone());
            holding.extend(positions_of(inserted, self.assertion_ids.iter().map(|(at, row)| (key(row), *at))));
        }
        Ok(holding)
    }
}

/// The positions of the rows that came back. An insert returns columns of its table only, so they are found by their key.
fn positions_of(
    inserted: Vec<(String, Vec<u8>)>,
    keys: impl Iterator<Item = ((String, Vec<u8>), usize)>,
) -> impl Iterator<Item = usize> {
    let positions: HashMap<_, _> = keys.collect();
    inserted.into_iter().filter_map(move |key| positions.get(&key).copied())
}

fn insert<'a>(connection: &mut PgConnection, inserts: impl Iterator<Item = &'a Insert>) -> QueryResult<()> {
    let (mut transactions, mut events, mut callbacks, mut access_tokens) = (vec![], vec![], vec![], vec![]);
    for insert in inserts {
        match insert {
            Insert::Transaction(row) => transactions.push(&**row),
            Insert::Event(row) => events.push(&**row),
            Insert::Callback(row) => callbacks.push(&**row),
            Insert::AccessToken(row) => access_tokens.push(&**row),
            // Few, and each with a message to send again: not worth a statement for the set.
            Insert::IdempotencyKey(row) => insert_idempotency_key(connection, row)?,
        }
    }
    if !transactions.is_empty() {
        InsertTransactions::new(&transactions).execute(connection)?;
    }
    if !events.is_empty() {
        InsertEvents::new(&events).execute(connection)?;
    }
    if !callbacks.is_empty() {
        InsertCallbacks::new(&callbacks).execute(connection)?;
    }
    if !access_tokens.is_empty() {
        InsertAccessTokens::new(&access_tokens).execute(connection)?;
    }
    Ok(())
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
    /// New access tokens.
    InsertAccessTokens over AccessTokenRow:
    "INSERT INTO access_tokens (token_hash, client_id, user_id, scope, issued_at, expires_at) SELECT * FROM ",
    "";
    {
        token_hash: Vec<u8>,
        client_id: String,
        user_id: Option<String>,
        scope: String,
        issued_at: i64,
        expires_at: i64,
    }
}
