//! Transactions. Only the [journal](crate::store::journal) writes them.

use diesel::dsl::sql;
use diesel::expression::{Expression, Selectable};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text};

use crate::clock::Timestamp;
use crate::store::connection::Connection;
use crate::store::keyed::{Lookup, look_up};
use crate::store::record::Record as _;
use crate::store::rows::{AskedRow, IdBytes, TransactionRow};
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

struct Asked;

impl Lookup for Asked {
    type Id = IdBytes;
    type Columns = (
        <<TransactionRow as Selectable<Pg>>::SelectExpression as Expression>::SqlType,
        (Nullable<Text>, Nullable<Text>),
    );

    const SELECT: &'static [(&'static str, &'static [&'static str])] = &[
        ("t", TransactionRow::FIELDS),
        ("d", &["public_key"]),
        ("e", &["public_key"]),
    ];

    const JOINS: &'static str = " JOIN transactions AS t ON t.id = k.id \
         LEFT JOIN devices AS d ON d.id = t.device_id \
         LEFT JOIN enrolments AS e ON e.device_id = t.device_id AND e.profile_id = t.profile_id \
         WHERE NOT EXISTS (SELECT 1 FROM disabled_users AS u WHERE u.user_id = t.user_id)";
}

type FoundAsked = (TransactionRow, (Option<String>, Option<String>));

/// Finds these transactions with what their devices are asked with. Left out are those of disabled
/// users.
pub fn find_asked(
    connection: &mut Connection,
    ids: &[IdBytes],
) -> QueryResult<Vec<(IdBytes, AskedRow)>> {
    let found: Vec<FoundAsked> = look_up::<Asked, _>(connection, ids)?;

    let asked = |(transaction, (device_key, enrolment_key)): FoundAsked| {
        let id = transaction.id.clone();

        let asked = AskedRow {
            transaction,
            device_key,
            enrolment_key,
        };

        (id, asked)
    };

    Ok(found.into_iter().map(asked).collect())
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
