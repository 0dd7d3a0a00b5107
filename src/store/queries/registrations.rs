//! How many devices register.

use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::store::connection::Connection;
use crate::store::schema::registration_counts;

/// The hour that a registration is counted in.
pub(super) const fn hour_of(now: Timestamp) -> i64 {
    now.as_secs().div_euclid(3600)
}

/// Counts a registration. Returns how many there are of this source in this hour, with this one.
pub fn count_registration(
    connection: &mut Connection,
    source: &[u8],
    now: Timestamp,
) -> QueryResult<i64> {
    let hour = hour_of(now);

    let insert = diesel::insert_into(registration_counts::table).values((
        registration_counts::source.eq(source),
        registration_counts::hour.eq(hour),
        registration_counts::count.eq(1),
    ));
    let key = (registration_counts::source, registration_counts::hour);
    let one_more = registration_counts::count.eq(registration_counts::count + 1);

    match connection {
        Connection::Postgres(connection) => insert
            .on_conflict(key)
            .do_update()
            .set(one_more)
            .execute(connection)?,
        Connection::Sqlite(connection) => insert
            .on_conflict(key)
            .do_update()
            .set(one_more)
            .execute(connection)?,
    };

    registration_counts::table
        .find((source, hour))
        .select(registration_counts::count)
        .first(connection)
}
