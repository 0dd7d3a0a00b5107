//! The audit log. Rows enter through the [journal](crate::store::journal), or with [`insert_event`]
//! as part of another change.

use diesel::insert_into;
use diesel::prelude::*;

use crate::store::Connection;
use crate::store::rows::EventRow;
use crate::store::schema::events::dsl;

/// Writes an event, in the transaction of what it reports.
pub fn insert_event(connection: &mut Connection, row: &EventRow) -> QueryResult<()> {
    insert_into(dsl::events)
        .values(row)
        .execute(connection)
        .map(drop)
}

/// What happened to a user last, the latest first.
pub fn find_latest_events_of_user(
    connection: &mut Connection,
    user_id: &str,
    limit: i64,
) -> QueryResult<Vec<EventRow>> {
    dsl::events
        .filter(dsl::user_id.eq(user_id))
        .order(dsl::id.desc())
        .limit(limit)
        .select(EventRow::as_select())
        .load(connection)
}
