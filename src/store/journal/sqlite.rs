//! A batch on SQLite: row by row through prepared statements, because there is no way to a server to be saved.

use diesel::sql_types::{Nullable, SingleValue};
use diesel::upsert::excluded;
use diesel::{
    ExpressionMethods as _, QueryDsl as _, QueryResult, RunQueryDsl as _, SqliteConnection, insert_into, update,
};

use super::entry::{Entry, Guard, Insert, Outcome};
use crate::store::rows::{IdempotencyRow, TransactionUpdate};
use crate::store::schema::{access_tokens, assertion_ids, callbacks, events, idempotency_keys, transactions};

#[diesel::declare_sql_function]
extern "SQL" {
    fn coalesce<T: SingleValue>(first: Nullable<T>, second: Nullable<T>) -> Nullable<T>;
}

/// Writes the entries inside the transaction that is open: an outcome for each, in order.
pub(super) fn apply(connection: &mut SqliteConnection, entries: &[&Entry]) -> QueryResult<Vec<Outcome>> {
    entries.iter().map(|entry| apply_one(connection, entry)).collect()
}

fn apply_one(connection: &mut SqliteConnection, entry: &Entry) -> QueryResult<Outcome> {
    if !guard_holds(connection, &entry.guard)? {
        return Ok(Outcome::Refused);
    }
    for insert in &entry.inserts {
        match insert {
            Insert::Transaction(row) => insert_into(transactions::table).values(&**row).execute(connection)?,
            Insert::Event(row) => insert_into(events::table).values(&**row).execute(connection)?,
            Insert::Callback(row) => insert_into(callbacks::table).values(&**row).execute(connection)?,
            Insert::IdempotencyKey(row) => insert_into(idempotency_keys::table).values(&**row).execute(connection)?,
            Insert::AccessToken(row) => insert_into(access_tokens::table).values(&**row).execute(connection)?,
        };
    }
    Ok(Outcome::Committed)
}

fn guard_holds(connection: &mut SqliteConnection, guard: &Guard) -> QueryResult<bool> {
    let rows = match guard {
        Guard::None => return Ok(true),
        Guard::Transaction(change) => update_transaction(connection, change)?,
        Guard::IdempotencyKey(row) => insert_idempotency_key(connection, row)?,
        Guard::AssertionId(row) => {
            insert_into(assertion_ids::table).values(&**row).on_conflict_do_nothing().execute(connection)?
        }
    };
    Ok(rows == 1)
}

fn update_transaction(connection: &mut SqliteConnection, change: &TransactionUpdate) -> QueryResult<usize> {
    use transactions::dsl;
    let current = dsl::transactions.find(change.id.as_slice()).filter(dsl::version.eq(change.expected_version));
    update(current)
        .set((
            dsl::version.eq(change.expected_version + 1),
            dsl::status.eq(change.status),
            dsl::reason.eq(change.reason),
            dsl::attempts.eq(change.attempts),
            dsl::resends.eq(change.resends),
            dsl::delivery_due.eq(change.delivery_due),
            dsl::finished_at.eq(change.finished_at),
            dsl::answer.eq(coalesce(change.answer.as_deref(), dsl::answer)),
            dsl::user_id.eq(coalesce(change.user_id.as_deref(), dsl::user_id)),
            dsl::device_id.eq(coalesce(change.device_id.as_deref(), dsl::device_id)),
            dsl::profile_id.eq(coalesce(change.profile_id.as_deref(), dsl::profile_id)),
        ))
        .execute(connection)
}

/// A key that has expired and was not swept yet counts as new.
fn insert_idempotency_key(connection: &mut SqliteConnection, row: &IdempotencyRow) -> QueryResult<usize> {
    use diesel::query_dsl::methods::FilterDsl as _;
    use idempotency_keys::dsl;
    insert_into(dsl::idempotency_keys)
        .values(row)
        .on_conflict((dsl::client_id, dsl::key_hash))
        .do_update()
        .set((
            dsl::request_hash.eq(excluded(dsl::request_hash)),
            dsl::transaction_id.eq(excluded(dsl::transaction_id)),
            dsl::answer.eq(excluded(dsl::answer)),
            dsl::created_at.eq(excluded(dsl::created_at)),
            dsl::expires_at.eq(excluded(dsl::expires_at)),
        ))
        .filter(dsl::expires_at.le(excluded(dsl::created_at)))
        .execute(connection)
}
