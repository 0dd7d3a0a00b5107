//! How many messages were sent, by whom they count for and by windows of time.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Binary};

use crate::store::connection::Connection;
use crate::store::schema::message_counts;

/// A count: its key, and the first second of its window.
pub type CountKey = (Vec<u8>, i64);

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = Binary)]
    key: Vec<u8>,
    #[diesel(sql_type = BigInt)]
    window_start: i64,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

const ADD: &str = "INSERT INTO message_counts (key, window_start, count) \
     SELECT * FROM unnest($1, $2, $3) ON CONFLICT (key, window_start) \
     DO UPDATE SET count = message_counts.count + excluded.count \
     RETURNING key, window_start, count";

const ADD_ONE: &str = "INSERT INTO message_counts (key, window_start, count) VALUES (?, ?, ?) \
     ON CONFLICT (key, window_start) DO UPDATE SET count = message_counts.count + excluded.count \
     RETURNING key, window_start, count";

/// Adds to counts, which must be in the order of their keys: other servers wait for them until the
/// database transaction ends, and in one order nobody waits in a circle. Returns what they are then.
pub fn add_to_counts(
    connection: &mut Connection,
    added: &[(CountKey, i64)],
) -> QueryResult<Vec<(CountKey, i64)>> {
    let counted: Vec<Counted> = match connection {
        Connection::Postgres(connection) => {
            let keys: Vec<&[u8]> = added.iter().map(|((key, _), _)| key.as_slice()).collect();
            let starts: Vec<i64> = added.iter().map(|((_, start), _)| *start).collect();
            let counts: Vec<i64> = added.iter().map(|(_, count)| *count).collect();

            sql_query(ADD)
                .bind::<Array<Binary>, _>(keys)
                .bind::<Array<BigInt>, _>(starts)
                .bind::<Array<BigInt>, _>(counts)
                .load(connection)?
        }
        Connection::Sqlite(connection) => {
            let mut counted = Vec::with_capacity(added.len());
            for ((key, start), count) in added {
                let add = sql_query(ADD_ONE)
                    .bind::<Binary, _>(key)
                    .bind::<BigInt, _>(start)
                    .bind::<BigInt, _>(count);
                counted.extend(add.load::<Counted>(connection)?);
            }
            counted
        }
    };

    let pair = |row: Counted| ((row.key, row.window_start), row.count);
    Ok(counted.into_iter().map(pair).collect())
}

/// Finds counts, those that there are.
pub fn find_counts(
    connection: &mut Connection,
    wanted: &[CountKey],
) -> QueryResult<Vec<(CountKey, i64)>> {
    let mut found = Vec::with_capacity(wanted.len());

    // Few windows are looked at, each for many keys.
    let mut starts: Vec<i64> = wanted.iter().map(|(_, start)| *start).collect();
    starts.sort_unstable();
    starts.dedup();

    for start in starts {
        let of_window = wanted.iter().filter(|(_, of)| *of == start);
        let keys: Vec<&[u8]> = of_window.map(|(key, _)| key.as_slice()).collect();
        let counts = message_counts::table
            .filter(message_counts::window_start.eq(start))
            .filter(message_counts::key.eq_any(keys))
            .select((message_counts::key, message_counts::count))
            .load::<(Vec<u8>, i64)>(connection)?;

        found.extend(counts.into_iter().map(|(key, count)| ((key, start), count)));
    }

    Ok(found)
}
