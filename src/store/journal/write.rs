//! Writes changes of one kind.

use std::collections::HashSet;

use diesel::sql_types::{BigInt, Binary, Text};
use diesel::{PgConnection, QueryResult, RunQueryDsl as _, SqliteConnection};

use super::action::{Action, Change};
use super::statement::Statement;
use super::values::{Arrays, InPlace};
use crate::store::connection::Connection;
use crate::store::record::Key;

/// Writes changes of one kind, of which no two concern the same row. Each comes with a position of
/// the caller's; the positions of those that were refused are returned.
pub(in crate::store) fn write<C: Change>(
    connection: &mut Connection,
    changes: Vec<(usize, &C)>,
) -> QueryResult<Vec<usize>> {
    // Most kinds are missing from most batches, and each statement is a round trip.
    if changes.is_empty() {
        return Ok(Vec::new());
    }

    match connection {
        Connection::Postgres(connection) => write_together(connection, changes),
        Connection::Sqlite(connection) => write_each(connection, &changes),
    }
}

/// PostgreSQL: one statement for all, because statement by statement the round trips would be the
/// ceiling.
fn write_together<C: Change>(
    connection: &mut PgConnection,
    mut changes: Vec<(usize, &C)>,
) -> QueryResult<Vec<usize>> {
    // Rows are locked in the order of the arrays. One order for all nodes avoids deadlocks.
    changes.sort_unstable_by(|(_, left), (_, right)| left.key().cmp(&right.key()));
    let records: Vec<&C> = changes.iter().map(|(_, change)| *change).collect();
    let values = Arrays::of(&records);

    if !C::ACTION.is_conditional() {
        Statement::<C, _, ()>::new(values).execute(connection)?;
        return Ok(Vec::new());
    }

    let written: HashSet<usize> = match C::ACTION {
        Action::Claim { .. } => claimed(connection, values, &records)?,
        _ => updated(connection, values)?,
    };
    let refused = changes
        .iter()
        .enumerate()
        .filter(|(index, _)| !written.contains(index))
        .map(|(_, (position, _))| *position)
        .collect();

    Ok(refused)
}

/// The indexes of the rows that were claimed. An insert returns columns of its table only, so they
/// are found by their keys.
fn claimed<C: Change>(
    connection: &mut PgConnection,
    values: Arrays<'_, C>,
    records: &[&C],
) -> QueryResult<HashSet<usize>> {
    let keys: Vec<(String, Vec<u8>)> =
        Statement::<C, _, (Text, Binary)>::new(values).load(connection)?;
    let keys: HashSet<Key<'_>> = keys
        .iter()
        .map(|(text, bytes)| [text.as_bytes(), bytes, &[]])
        .collect();

    let is_claimed = |record: &C| keys.contains(&record.key());

    Ok((0..)
        .zip(records)
        .filter(|(_, record)| is_claimed(record))
        .map(|(index, _)| index)
        .collect())
}

/// The indexes of the rows that were updated.
fn updated<C: Change>(
    connection: &mut PgConnection,
    values: Arrays<'_, C>,
) -> QueryResult<HashSet<usize>> {
    let ordinals: Vec<i64> = Statement::<C, _, BigInt>::new(values).load(connection)?;

    // Ordinals count from 1.
    let index = |ordinal: i64| usize::try_from(ordinal - 1).ok();
    Ok(ordinals.into_iter().filter_map(index).collect())
}

/// SQLite: one statement for each, because there is no round trip to save.
fn write_each<C: Change>(
    connection: &mut SqliteConnection,
    changes: &[(usize, &C)],
) -> QueryResult<Vec<usize>> {
    let mut refused = Vec::new();
    for (position, change) in changes {
        let rows = Statement::<C, _, ()>::new(InPlace(*change)).execute(connection)?;
        if rows == 0 && C::ACTION.is_conditional() {
            refused.push(*position);
        }
    }

    Ok(refused)
}
