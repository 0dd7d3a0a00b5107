//! Wrong answers of users in a row.

use diesel::prelude::*;

use crate::store::connection::Connection;
use crate::store::schema::user_failures;

/// Finds how many wrong answers these users have given by a channel: those who have given any.
pub fn find_failures(
    connection: &mut Connection,
    users: &[&str],
    channel: &str,
) -> QueryResult<Vec<(String, i64)>> {
    let columns = (user_failures::user_id, user_failures::count);

    match connection {
        Connection::Postgres(connection) => user_failures::table
            .filter(user_failures::user_id.eq_any(users))
            .filter(user_failures::channel.eq(channel))
            .select(columns)
            .load(connection),
        Connection::Sqlite(connection) => {
            let mut found = Vec::new();
            // One by one: such statements are prepared once.
            for user in users {
                let of_user = user_failures::table.find((user, channel)).select(columns);
                found.extend(of_user.get_result(connection).optional()?);
            }

            Ok(found)
        }
    }
}

/// Counts one more.
pub fn count_failure(connection: &mut Connection, user: &str, channel: &str) -> QueryResult<()> {
    let insert = diesel::insert_into(user_failures::table).values((
        user_failures::user_id.eq(user),
        user_failures::channel.eq(channel),
        user_failures::count.eq(1),
    ));
    let key = (user_failures::user_id, user_failures::channel);
    let one_more = user_failures::count.eq(user_failures::count + 1);

    match connection {
        Connection::Postgres(connection) => insert
            .on_conflict(key)
            .do_update()
            .set(one_more)
            .execute(connection),
        Connection::Sqlite(connection) => insert
            .on_conflict(key)
            .do_update()
            .set(one_more)
            .execute(connection),
    }
    .map(drop)
}

/// Forgets those of these users by a channel.
pub fn forget_failures(
    connection: &mut Connection,
    users: &[&str],
    channel: &str,
) -> QueryResult<usize> {
    match connection {
        Connection::Postgres(connection) => {
            let of_users = user_failures::table
                .filter(user_failures::user_id.eq_any(users))
                .filter(user_failures::channel.eq(channel));
            diesel::delete(of_users).execute(connection)
        }
        Connection::Sqlite(connection) => {
            let mut count = 0;
            for user in users {
                let of_user = user_failures::table.find((user, channel));
                count += diesel::delete(of_user).execute(connection)?;
            }

            Ok(count)
        }
    }
}

/// Forgets those of a user by all channels.
pub fn forget_failures_of_user(connection: &mut Connection, user: &str) -> QueryResult<usize> {
    diesel::delete(user_failures::table.filter(user_failures::user_id.eq(user))).execute(connection)
}
