//! What those who wait look at, many of them in one query.

use diesel::QueryResult;
use diesel::sql_types::{BigInt, Binary, Nullable, SmallInt, Text};

use crate::store::connection::Connection;
use crate::store::keyed::{Lookup, look_up};
use crate::store::rows::{IdBytes, ResultRow};

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

struct DevicesWithPending;

impl Lookup for DevicesWithPending {
    type Id = String;
    type Columns = (Text,);

    const SELECT: &'static [(&'static str, &'static [&'static str])] = &[("k", &["id"])];

    const JOINS: &'static str = " WHERE EXISTS (SELECT 1 FROM transactions AS t \
         WHERE t.status = 0 AND t.device_id = k.id)";

    // Without the hint SQLite takes the index over all transactions of the device.
    const SQLITE_JOINS: &'static str = " WHERE EXISTS (SELECT 1 FROM transactions AS t \
         INDEXED BY transactions_pending_by_device \
         WHERE t.status = 0 AND t.device_id IS NOT NULL AND t.device_id = k.id)";
}

/// Finds those of these devices for which a transaction is pending.
pub fn find_devices_with_pending(
    connection: &mut Connection,
    devices: &[String],
) -> QueryResult<Vec<(String, ())>> {
    let found: Vec<(String,)> = look_up::<DevicesWithPending, _>(connection, devices)?;
    Ok(found.into_iter().map(|(device,)| (device, ())).collect())
}
