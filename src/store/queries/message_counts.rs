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

const FIND: &str = "SELECT c.key, c.window_start, c.count FROM unnest($1, $2) AS k (key, window_start) \
     JOIN message_counts AS c ON c.key = k.key AND c.window_start = k.window_start";

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
            // One by one: such statements are prepared once.
            for ((key, start), count) in added {
                let row = (
                    message_counts::key.eq(key),
                    message_counts::window_start.eq(start),
                    message_counts::count.eq(count),
                );
                diesel::insert_into(message_counts::table)
                    .values(row)
                    .on_conflict((message_counts::key, message_counts::window_start))
                    .do_update()
                    .set(message_counts::count.eq(message_counts::count + *count))
                    .execute(connection)?;
                counted.extend(find_count(connection, key, *start)?);
            }

            return Ok(counted);
        }
    };

    Ok(counted.into_iter().map(pair).collect())
}

/// Finds counts, those that there are.
pub fn find_counts(
    connection: &mut Connection,
    wanted: &[CountKey],
) -> QueryResult<Vec<(CountKey, i64)>> {
    match connection {
        Connection::Postgres(connection) => {
            let keys: Vec<&[u8]> = wanted.iter().map(|(key, _)| key.as_slice()).collect();
            let starts: Vec<i64> = wanted.iter().map(|(_, start)| *start).collect();
            let found: Vec<Counted> = sql_query(FIND)
                .bind::<Array<Binary>, _>(keys)
                .bind::<Array<BigInt>, _>(starts)
                .load(connection)?;

            Ok(found.into_iter().map(pair).collect())
        }
        Connection::Sqlite(connection) => {
            let mut found = Vec::with_capacity(wanted.len());
            for (key, start) in wanted {
                found.extend(find_count(connection, key, *start)?);
            }

            Ok(found)
        }
    }
}

fn find_count(
    connection: &mut SqliteConnection,
    key: &[u8],
    start: i64,
) -> QueryResult<Option<(CountKey, i64)>> {
    let count = message_counts::table
        .find((key, start))
        .select(message_counts::count)
        .get_result::<i64>(connection)
        .optional()?;

    Ok(count.map(|count| ((key.to_vec(), start), count)))
}

fn pair(row: Counted) -> (CountKey, i64) {
    ((row.key, row.window_start), row.count)
}
