//! Deletes what is no longer kept, the oldest first, in bounded portions. Each function tells how
//! many rows went; fewer than the limit means that nothing is left. Rows of one and the same
//! millisecond may go together, a few more than the limit.

use diesel::delete;
use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::store::Connection;
use crate::store::rows::IdBytes;
use crate::store::schema::{
    access_tokens, assertion_ids, authorizations, callbacks, device_codes, events, grants,
    idempotency_keys, login_sessions, pushed_requests, transactions,
};

/// Deletes the rows that are lowest by an indexed column, up to a bound. The column's value in the
/// last row to go is looked up first, because neither database deletes with a limit.
macro_rules! delete_lowest {
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
        delete($table::table.filter($table::$column.le(last.unwrap_or(bound)))).execute($connection)
    }};
}

/// Transactions that were finished at `before` or earlier.
pub fn delete_finished_transactions(
    connection: &mut Connection,
    before: Timestamp,
    limit: i64,
) -> QueryResult<usize> {
    delete_lowest!(connection, transactions.finished_at: Option<i64>, up to Some(before.as_millis()), limit)
}

/// Events of before `before`.
pub fn delete_events(
    connection: &mut Connection,
    before: Timestamp,
    limit: i64,
) -> QueryResult<usize> {
    delete_lowest!(connection, events.id: IdBytes, up to lowest_id_of(before), limit)
}

/// Callbacks in the final state `state` that were finished before `before`.
pub fn delete_finished_callbacks(
    connection: &mut Connection,
    state: i16,
    before: Timestamp,
    limit: i64,
) -> QueryResult<usize> {
    let ids: Vec<IdBytes> = callbacks::table
        .filter(callbacks::state.eq(state))
        .filter(callbacks::finished_at.lt(before.as_millis()))
        .order(callbacks::id)
        .limit(limit)
        .select(callbacks::id)
        .load(connection)?;
    delete(
        callbacks::table
            .filter(callbacks::id.eq_any(ids))
            .filter(callbacks::state.eq(state)),
    )
    .execute(connection)
}

/// Idempotency keys whose time has passed.
pub fn delete_expired_idempotency_keys(
    connection: &mut Connection,
    now: Timestamp,
    limit: i64,
) -> QueryResult<usize> {
    delete_lowest!(connection, idempotency_keys.expires_at: i64, up to now.as_millis(), limit)
}

/// Assertion ids whose assertion would be refused as expired.
pub fn delete_expired_assertion_ids(
    connection: &mut Connection,
    now: Timestamp,
    limit: i64,
) -> QueryResult<usize> {
    delete_lowest!(connection, assertion_ids.expires_at: i64, up to now.as_millis(), limit)
}

/// Access tokens whose time has passed.
pub fn delete_expired_access_tokens(
    connection: &mut Connection,
    now: Timestamp,
    limit: i64,
) -> QueryResult<usize> {
    delete_lowest!(connection, access_tokens.expires_at: i64, up to now.as_millis(), limit)
}

/// Authorization requests whose time has passed.
pub fn delete_expired_authorizations(
    connection: &mut Connection,
    now: Timestamp,
    limit: i64,
) -> QueryResult<usize> {
    delete_lowest!(connection, authorizations.expires_at: i64, up to now.as_millis(), limit)
}

/// Grants whose time has passed, with the refresh tokens that rest on them.
pub fn delete_expired_grants(
    connection: &mut Connection,
    now: Timestamp,
    limit: i64,
) -> QueryResult<usize> {
    delete_lowest!(connection, grants.expires_at: i64, up to now.as_millis(), limit)
}

/// Pushed authorization requests whose time has passed.
pub fn delete_expired_pushed_requests(
    connection: &mut Connection,
    now: Timestamp,
    limit: i64,
) -> QueryResult<usize> {
    delete_lowest!(connection, pushed_requests.expires_at: i64, up to now.as_millis(), limit)
}

/// Devices' codes whose time has passed.
pub fn delete_expired_device_codes(
    connection: &mut Connection,
    now: Timestamp,
    limit: i64,
) -> QueryResult<usize> {
    delete_lowest!(connection, device_codes.expires_at: i64, up to now.as_millis(), limit)
}

/// Remembered logins whose time has passed.
pub fn delete_expired_login_sessions(
    connection: &mut Connection,
    now: Timestamp,
    limit: i64,
) -> QueryResult<usize> {
    delete_lowest!(connection, login_sessions.expires_at: i64, up to now.as_millis(), limit)
}

/// The lowest UUID of version 7 of a millisecond: ids are ordered by time, so that no further index
/// is needed to find old ones.
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
        let (time, next) = (
            Timestamp::from_millis(1_700_000_000_123),
            Timestamp::from_millis(1_700_000_000_124),
        );
        let id = uuid_v7(time, &SystemRandom).into_bytes().to_vec();
        assert!(lowest_id_of(time) < id && id < lowest_id_of(next));
    }
}
