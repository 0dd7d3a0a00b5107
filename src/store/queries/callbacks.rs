//! The outbox. Callbacks are inserted by the [journal](crate::store::journal), together with the
//! change that they report.

use std::time::Duration;

use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::store::connection::Connection;
use crate::store::rows::{CallbackOutcome, CallbackRow, IdBytes, callback_state};
use crate::store::schema::callbacks;

/// Adds a callback, where it is not written by the journal.
pub fn insert_callback(connection: &mut Connection, row: &CallbackRow) -> QueryResult<()> {
    diesel::insert_into(callbacks::table)
        .values(row)
        .execute(connection)
        .map(drop)
}

/// Claims due callbacks that nobody else has claimed: for the time of `lease` nobody else gets
/// them. Those to the hosts in `except` are left alone. Must run in a transaction.
pub fn claim_due_callbacks(
    connection: &mut Connection,
    now: Timestamp,
    lease: Duration,
    except: &[String],
    limit: i64,
) -> QueryResult<Vec<CallbackRow>> {
    let due = callbacks::table
        .filter(callbacks::state.eq(callback_state::DUE))
        .filter(callbacks::due_at.le(now.as_millis()))
        .filter(callbacks::lease_until.le(now.as_millis()))
        .filter(callbacks::host.ne_all(except))
        .order(callbacks::due_at)
        .limit(limit)
        .select(callbacks::id);

    let ids: Vec<IdBytes> = match connection {
        // Other nodes claim at the same time. What one of them is about to claim is left to it.
        Connection::Postgres(connection) => due.for_update().skip_locked().load(connection)?,
        Connection::Sqlite(connection) => due.load(connection)?,
    };

    if ids.is_empty() {
        return Ok(Vec::new());
    }

    diesel::update(callbacks::table.filter(callbacks::id.eq_any(&ids)))
        .set((
            callbacks::lease_until.eq(now.after(lease).as_millis()),
            callbacks::fence.eq(callbacks::fence + 1),
        ))
        .execute(connection)?;

    callbacks::table
        .filter(callbacks::id.eq_any(&ids))
        .order(callbacks::due_at)
        .select(CallbackRow::as_select())
        .load(connection)
}

/// Saves the outcome of an attempt and gives the lease back. False when the lease was lost
/// meanwhile: then somebody else has claimed the callback.
pub fn finish_callback(
    connection: &mut Connection,
    outcome: &CallbackOutcome,
) -> QueryResult<bool> {
    let claimed = callbacks::table
        .find(outcome.id.as_slice())
        // The fence, not the time: this node's clock may be behind that of the node that has
        // claimed the row since.
        .filter(callbacks::fence.eq(outcome.fence))
        .filter(callbacks::state.eq(callback_state::DUE));
    diesel::update(claimed)
        .set((
            callbacks::state.eq(outcome.state),
            callbacks::attempts.eq(outcome.attempts),
            callbacks::due_at.eq(outcome.due_at),
            callbacks::lease_until.eq(0),
            callbacks::finished_at.eq(outcome.finished_at),
            callbacks::last_error.eq(outcome.last_error.as_deref()),
        ))
        .execute(connection)
        .map(|count| count == 1)
}

/// Finds a callback.
pub fn find_callback(connection: &mut Connection, id: &[u8]) -> QueryResult<Option<CallbackRow>> {
    callbacks::table
        .find(id)
        .select(CallbackRow::as_select())
        .first(connection)
        .optional()
}

/// Lists callbacks in the order of their ids, from the first after `after` on, in one state or in
/// all.
pub fn list_callbacks(
    connection: &mut Connection,
    state: Option<i16>,
    after: Option<&[u8]>,
    limit: i64,
) -> QueryResult<Vec<CallbackRow>> {
    let page = callbacks::table
        .filter(callbacks::id.gt(after.unwrap_or_default()))
        .order(callbacks::id)
        .limit(limit);

    match state {
        Some(state) => page
            .filter(callbacks::state.eq(state))
            .select(CallbackRow::as_select())
            .load(connection),
        None => page.select(CallbackRow::as_select()).load(connection),
    }
}

/// Makes a finished callback due again, with all its attempts. False when there is none, or it is
/// due already.
pub fn replay_callback(
    connection: &mut Connection,
    id: &[u8],
    now: Timestamp,
) -> QueryResult<bool> {
    let finished = callbacks::table
        .find(id)
        .filter(callbacks::state.ne(callback_state::DUE));
    diesel::update(finished)
        .set((
            callbacks::state.eq(callback_state::DUE),
            // All attempts anew: an administrator replays after the website was mended.
            callbacks::attempts.eq(0),
            callbacks::due_at.eq(now.as_millis()),
            callbacks::lease_until.eq(0),
            callbacks::finished_at.eq(None::<i64>),
            callbacks::last_error.eq(None::<String>),
        ))
        .execute(connection)
        .map(|count| count == 1)
}
