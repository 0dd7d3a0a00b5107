//! Transactions. Only the [journal](crate::store::journal) writes them.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use crate::clock::Timestamp;
use crate::store::connection::Connection;
use crate::store::rows::{IdBytes, TransactionRow};
use crate::store::schema::transactions;

/// Spelled out: a partial index, of pending transactions only, is not used for a condition with a
/// parameter.
const PENDING: &str = "status = 0";
const DELIVERY_DUE: &str = "status = 0 AND delivery_due";

/// Finds a transaction.
pub fn find_transaction(
    connection: &mut Connection,
    id: &[u8],
) -> QueryResult<Option<TransactionRow>> {
    transactions::table
        .find(id)
        .select(TransactionRow::as_select())
        .first(connection)
        .optional()
}

/// Finds the ids of transactions that are pending but expired, the longest expired first.
pub fn find_expired_pending(
    connection: &mut Connection,
    now: Timestamp,
    limit: i64,
) -> QueryResult<Vec<IdBytes>> {
    transactions::table
        .filter(sql::<Bool>(PENDING))
        .filter(transactions::expires_at.le(now.as_millis()))
        .order(transactions::expires_at)
        .limit(limit)
        .select(transactions::id)
        .load(connection)
}

/// Finds pending transactions whose message is owed by nobody any more, because the lease ran out:
/// the longest ago first.
pub fn find_lapsed_deliveries(
    connection: &mut Connection,
    now: Timestamp,
    limit: i64,
) -> QueryResult<Vec<TransactionRow>> {
    transactions::table
        .filter(sql::<Bool>(DELIVERY_DUE))
        .filter(transactions::delivery_lease_until.le(now.as_millis()))
        .order(transactions::delivery_lease_until)
        .limit(limit)
        .select(TransactionRow::as_select())
        .load(connection)
}
