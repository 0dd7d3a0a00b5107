//! The audit log. Most events come with the [journal](crate::store::journal)'s entries; the others
//! are written by [`insert_event`], in the transaction of what they report.

use diesel::prelude::*;

use crate::store::connection::Connection;
use crate::store::rows::EventRow;
use crate::store::schema::events;

/// Adds an event.
pub fn insert_event(connection: &mut Connection, row: &EventRow) -> QueryResult<()> {
    diesel::insert_into(events::table)
        .values(row)
        .execute(connection)
        .map(drop)
}

/// Finds the latest events of a user, the latest first.
pub fn find_latest_events_of_user(
    connection: &mut Connection,
    user_id: &str,
    limit: i64,
) -> QueryResult<Vec<EventRow>> {
    events::table
        .filter(events::user_id.eq(user_id))
        .order(events::id.desc())
        .limit(limit)
        .select(EventRow::as_select())
        .load(connection)
}
