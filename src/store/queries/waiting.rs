//! What those who wait look at, many of them in one query.

use std::collections::HashMap;

use diesel::QueryResult;
use diesel::expression::{Expression, Selectable};
use diesel::pg::Pg;
use diesel::sql_types::{BigInt, Binary, Nullable, SmallInt, Text};

use crate::store::connection::Connection;
use crate::store::keyed::{Lookup, look_up};
use crate::store::record::Record as _;
use crate::store::rows::{IdBytes, ResultRow, TransactionRow};

struct Results;

impl Lookup for Results {
    type Id = IdBytes;
    type Columns = (
        Binary,
        Text,
        SmallInt,
        SmallInt,
        Nullable<SmallInt>,
        Nullable<Text>,
        BigInt,
        BigInt,
        Nullable<Text>,
    );

    const SELECT: &'static [(&'static str, &'static [&'static str])] = &[(
        "t",
        &[
            "id",
            "client_id",
            "method",
            "status",
            "reason",
            "user_id",
            "created_at",
            "expires_at",
            "callback_uri",
        ],
    )];

    const JOINS: &'static str = " JOIN transactions AS t ON t.id = k.id";
}

/// Finds the results of these transactions.
pub fn find_results(
    connection: &mut Connection,
    ids: &[IdBytes],
) -> QueryResult<Vec<(IdBytes, ResultRow)>> {
    let found: Vec<ResultRow> = look_up::<Results, _>(connection, ids)?;
    Ok(found.into_iter().map(|row| (row.id.clone(), row)).collect())
}

/// The most transactions of a device in one list.
pub const PENDING_MAX: usize = 50;

struct Pending;

impl Lookup for Pending {
    type Id = String;
    type Columns = (
        <<TransactionRow as Selectable<Pg>>::SelectExpression as Expression>::SqlType,
        Nullable<Text>,
    );

    const SELECT: &'static [(&'static str, &'static [&'static str])] =
        &[("t", TransactionRow::FIELDS), ("d", &["user_id"])];

    const JOINS: &'static str = " CROSS JOIN LATERAL (SELECT * FROM transactions AS p \
         WHERE p.status = 0 AND p.device_id = k.id ORDER BY p.id LIMIT 50) AS t \
         LEFT JOIN disabled_users AS d ON d.user_id = t.user_id ORDER BY t.id";

    // Without the hint SQLite takes the index over all transactions of the device, whose number only
    // grows.
    const SQLITE_JOINS: &'static str = " JOIN transactions AS t \
         INDEXED BY transactions_pending_by_device \
         ON t.status = 0 AND t.device_id IS NOT NULL AND t.device_id = k.id \
         LEFT JOIN disabled_users AS d ON d.user_id = t.user_id ORDER BY t.id LIMIT 50";
}

/// Finds the pending transactions of these devices, the oldest first, at most [`PENDING_MAX`] of each.
/// They may have expired. Left out are those of disabled users.
pub fn find_pending_of_devices(
    connection: &mut Connection,
    devices: &[String],
) -> QueryResult<Vec<(String, Vec<TransactionRow>)>> {
    let found: Vec<(TransactionRow, Option<String>)> = look_up::<Pending, _>(connection, devices)?;

    let mut by_device = HashMap::<String, Vec<TransactionRow>>::new();
    for (row, disabled) in found {
        if let (Some(device), None) = (&row.device_id, disabled) {
            by_device.entry(device.clone()).or_default().push(row);
        }
    }

    Ok(by_device.into_iter().collect())
}
