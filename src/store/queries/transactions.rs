//! Transactions. They are written by the [journal](crate::store::journal) alone.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use crate::clock::Timestamp;
use crate::store::Connection;
use crate::store::rows::{IdBytes, TransactionRow};
use crate::store::schema::transactions::dsl;

/// Spelled out, because an index that holds pending transactions only is not used for a condition
/// with a parameter.
const PENDING: &str = "status = 0";
const DELIVERY_DUE: &str = "status = 0 AND delivery_due";

/// The transaction of this id.
pub fn find_transaction(
    connection: &mut Connection,
    id: &[u8],
) -> QueryResult<Option<TransactionRow>> {
    dsl::transactions
        .find(id)
        .select(TransactionRow::as_select())
        .first(connection)
        .optional()
}

/// The pending, unexpired transactions for a device, oldest first.
pub fn find_pending_by_device(
    connection: &mut Connection,
    device_id: &str,
    now: Timestamp,
    limit: i64,
) -> QueryResult<Vec<TransactionRow>> {
    dsl::transactions
        .filter(sql::<Bool>(PENDING))
        .filter(dsl::device_id.eq(device_id))
        .filter(dsl::expires_at.gt(now.as_millis()))
        .order(dsl::id)
        .limit(limit)
        .select(TransactionRow::as_select())
        .load(connection)
}

/// Ids of transactions that are pending although their time has passed, those that have waited
/// longest first.
pub fn find_expired_pending(
    connection: &mut Connection,
    now: Timestamp,
    limit: i64,
) -> QueryResult<Vec<IdBytes>> {
    dsl::transactions
        .filter(sql::<Bool>(PENDING))
        .filter(dsl::expires_at.le(now.as_millis()))
        .order(dsl::expires_at)
        .limit(limit)
        .select(dsl::id)
        .load(connection)
}

/// Ids of pending transactions whose delivery was not finished when last saved, in the order of
/// their ids, from the first after `after` on.
pub fn find_delivery_due(
    connection: &mut Connection,
    after: Option<&[u8]>,
    limit: i64,
) -> QueryResult<Vec<IdBytes>> {
    dsl::transactions
        .filter(sql::<Bool>(DELIVERY_DUE))
        .filter(dsl::id.gt(after.unwrap_or_default()))
        .order(dsl::id)
        .limit(limit)
        .select(dsl::id)
        .load(connection)
}

/// When a user was asked on a device since `since`, by one of `methods`, whatever became of it: the
/// latest first.
pub fn push_prompt_times(
    connection: &mut Connection,
    device_id: &str,
    user_id: &str,
    methods: &[i16],
    since: Timestamp,
    limit: i64,
) -> QueryResult<Vec<i64>> {
    dsl::transactions
        .filter(dsl::device_id.eq(device_id))
        .filter(dsl::created_at.gt(since.as_millis()))
        .filter(dsl::user_id.eq(user_id))
        .filter(dsl::method.eq_any(methods))
        .order(dsl::created_at.desc())
        .limit(limit)
        .select(dsl::created_at)
        .load(connection)
}
