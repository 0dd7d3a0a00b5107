//! Deletes what is no longer kept, the oldest first, in bounded portions.
//!
//! Each function returns how many rows it deleted; fewer than the limit means that none is left.
//! Rows of the same millisecond may go together, which can be a few more than the limit.

use diesel::dsl::exists;
use diesel::prelude::*;

use super::registrations::hour_of;
use crate::clock::Timestamp;
use crate::store::connection::Connection;
use crate::store::rows::{IdBytes, callback_state};
use crate::store::schema::{
    access_tokens, assertion_ids, authorizations, callbacks, device_codes, devices, events, grants,
    idempotency_keys, login_sessions, message_counts, prompts, pushed_requests,
    registration_counts, session_clients, transactions,
};

/// The value of an indexed column in the last of the rows that are lowest by it, up to a bound:
/// neither database deletes with a limit.
macro_rules! last_of {
    ($connection:expr, $table:ident.$column:ident: $type:ty, up to $bound:expr, $limit:expr) => {{
        let bound: $type = $bound;
        let last: Option<$type> = $table::table
            .filter($table::$column.le(&bound))
            .order($table::$column)
            .offset(($limit - 1).max(0))
            .limit(1)
            .select($table::$column)
            .first($connection)
            .optional()?;

        last.unwrap_or(bound)
    }};
}

/// Deletes the rows that are lowest by an indexed column, up to a bound.
macro_rules! delete_lowest {
    ($connection:expr, $table:ident.$column:ident: $type:ty, up to $bound:expr, $limit:expr) => {{
        let last = last_of!($connection, $table.$column: $type, up to $bound, $limit);

        diesel::delete($table::table.filter($table::$column.le(last))).execute($connection)
    }};
}

/// Declares functions that delete a table's rows whose `expires_at` has passed.
macro_rules! delete_expired {
    ($($(#[$doc:meta])* $name:ident from $table:ident;)+) => {
        $($(#[$doc])*
        pub fn $name(
            connection: &mut Connection,
            now: Timestamp,
            limit: i64,
        ) -> QueryResult<usize> {
            delete_lowest!(connection, $table.expires_at: i64, up to now.as_millis(), limit)
        })+
    };
}

delete_expired! {
    delete_expired_idempotency_keys from idempotency_keys;
    /// Ids of assertions that would now be refused as expired.
    delete_expired_assertion_ids from assertion_ids;
    delete_expired_access_tokens from access_tokens;
    /// Grants, with the refresh tokens that rest on them.
    delete_expired_grants from grants;
    delete_expired_authorizations from authorizations;
    delete_expired_pushed_requests from pushed_requests;
    delete_expired_device_codes from device_codes;
    delete_expired_login_sessions from login_sessions;
    delete_expired_session_clients from session_clients;
}

/// Deletes transactions that were finished at `before` or earlier. Those to which a callback may still
/// point are kept for the same time again, from `now` on: its website has not fetched the result
/// yet.
pub fn delete_finished_transactions(
    connection: &mut Connection,
    now: Timestamp,
    before: Timestamp,
    limit: i64,
) -> QueryResult<usize> {
    let bound = Some(before.as_millis());
    let last = last_of!(connection, transactions.finished_at: Option<i64>, up to bound, limit);

    let undelivered = callbacks::state
        .ne(callback_state::DELIVERED)
        .or(callbacks::finished_at.gt(before.as_millis()));
    let awaited = callbacks::table
        .filter(callbacks::transaction_id.eq(transactions::id))
        .filter(undelivered.assume_not_null());

    let rows = transactions::table.filter(transactions::finished_at.le(last));
    let kept = diesel::update(rows.filter(exists(awaited)))
        .set(transactions::finished_at.eq(now.as_millis()))
        .execute(connection)?;
    let deleted = diesel::delete(rows).execute(connection)?;

    Ok(kept + deleted)
}

/// Deletes devices on which no user has logged in since `before`.
pub fn delete_unused_devices(
    connection: &mut Connection,
    before: Timestamp,
    limit: i64,
) -> QueryResult<usize> {
    let bound = Some(before.as_millis());
    delete_lowest!(connection, devices.unused_since: Option<i64>, up to bound, limit)
}

/// Deletes counts of registrations of hours before that of `before`.
pub fn delete_registration_counts(
    connection: &mut Connection,
    before: Timestamp,
    limit: i64,
) -> QueryResult<usize> {
    let bound = hour_of(before) - 1;
    delete_lowest!(connection, registration_counts.hour: i64, up to bound, limit)
}

/// Deletes events that happened before `before`.
pub fn delete_events(
    connection: &mut Connection,
    before: Timestamp,
    limit: i64,
) -> QueryResult<usize> {
    delete_lowest!(connection, events.id: IdBytes, up to lowest_id_of(before), limit)
}

/// Deletes counts of messages whose window began before `before`.
pub fn delete_message_counts(
    connection: &mut Connection,
    before: Timestamp,
    limit: i64,
) -> QueryResult<usize> {
    delete_lowest!(connection, message_counts.window_start: i64, up to before.as_secs(), limit)
}

/// Deletes prompts that were sent before `before`.
pub fn delete_prompts(
    connection: &mut Connection,
    before: Timestamp,
    limit: i64,
) -> QueryResult<usize> {
    delete_lowest!(connection, prompts.id: IdBytes, up to lowest_id_of(before), limit)
}

/// Deletes callbacks in the final state `state` that were finished before `before`.
pub fn delete_finished_callbacks(
    connection: &mut Connection,
    state: i16,
    before: Timestamp,
    limit: i64,
) -> QueryResult<usize> {
    let ids: Vec<IdBytes> = callbacks::table
        .filter(callbacks::state.eq(state))
        .filter(callbacks::finished_at.is_not_null())
        .filter(callbacks::finished_at.lt(before.as_millis()))
        .order(callbacks::finished_at)
        .limit(limit)
        .select(callbacks::id)
        .load(connection)?;

    // A callback may have been replayed since.
    let finished = callbacks::table
        .filter(callbacks::id.eq_any(ids))
        .filter(callbacks::state.eq(state));
    diesel::delete(finished).execute(connection)
}

/// The lowest UUID of version 7 of a millisecond. Ids are ordered by time, so no other index is
/// needed to find old rows.
fn lowest_id_of(time: Timestamp) -> IdBytes {
    let millis = u64::try_from(time.as_millis()).unwrap_or(0);
    let mut id = millis.to_be_bytes()[2..].to_vec();
    id.resize(16, 0);
    id
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::uuid_v7;
    use crate::random::SystemRandom;

    #[test]
    fn ids_of_a_millisecond_lie_between_its_bounds() {
        let time = Timestamp::from_millis(1_700_000_000_123);
        let next = Timestamp::from_millis(1_700_000_000_124);

        let id = uuid_v7(time, &SystemRandom).into_bytes().to_vec();
        assert!(lowest_id_of(time) < id && id < lowest_id_of(next));
    }
}
