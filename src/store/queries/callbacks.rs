//! Callbacks to be sent. They are made by the [journal](crate::store::journal), together with what
//! they report.

use std::time::Duration;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel::update;

use crate::clock::Timestamp;
use crate::store::Connection;
use crate::store::rows::{CallbackOutcome, CallbackRow, IdBytes, callback_state};
use crate::store::schema::callbacks::dsl;

/// Spelled out, because an index that holds due callbacks only is not used for a condition with a
/// parameter.
const DUE: &str = "state = 0";

/// Takes callbacks whose time has come and that nobody else has at the moment: nobody else gets
/// them for `lease`. Those to the addresses in `except` are left where they are. To be called in a
/// transaction.
pub fn claim_due_callbacks(
    connection: &mut Connection,
    now: Timestamp,
    lease: Duration,
    except: &[String],
    limit: i64,
) -> QueryResult<Vec<CallbackRow>> {
    let due = dsl::callbacks
        .filter(sql::<Bool>(DUE))
        .filter(dsl::due_at.le(now.as_millis()))
        .filter(dsl::lease_until.le(now.as_millis()))
        .filter(dsl::callback_uri.ne_all(except))
        .order(dsl::due_at)
        .limit(limit)
        .select(dsl::id);
    let ids: Vec<IdBytes> = match connection {
        // Other nodes claim at the same time: what one of them is about to take is left to it.
        Connection::Postgres(connection) => due.for_update().skip_locked().load(connection)?,
        Connection::Sqlite(connection) => due.load(connection)?,
    };
    update(dsl::callbacks.filter(dsl::id.eq_any(&ids)))
        .set((
            dsl::lease_until.eq(now.after(lease).as_millis()),
            dsl::fence.eq(dsl::fence + 1),
        ))
        .execute(connection)?;
    dsl::callbacks
        .filter(dsl::id.eq_any(&ids))
        .order(dsl::due_at)
        .select(CallbackRow::as_select())
        .load(connection)
}

/// Saves what came of an attempt and gives up the lease. False when the lease was lost meanwhile:
/// then somebody else has it.
pub fn finish_callback(
    connection: &mut Connection,
    outcome: &CallbackOutcome,
) -> QueryResult<bool> {
    let held = dsl::callbacks
        .find(outcome.id.as_slice())
        .filter(dsl::fence.eq(outcome.fence))
        .filter(dsl::state.eq(callback_state::DUE));
    let rows = update(held)
        .set((
            dsl::state.eq(outcome.state),
            dsl::attempts.eq(outcome.attempts),
            dsl::due_at.eq(outcome.due_at),
            dsl::lease_until.eq(0),
            dsl::finished_at.eq(outcome.finished_at),
            dsl::last_error.eq(outcome.last_error.as_deref()),
        ))
        .execute(connection)?;
    Ok(rows == 1)
}

/// The callback of this id.
pub fn find_callback(connection: &mut Connection, id: &[u8]) -> QueryResult<Option<CallbackRow>> {
    dsl::callbacks
        .find(id)
        .select(CallbackRow::as_select())
        .first(connection)
        .optional()
}

/// Callbacks in the order of their ids, from the first after `after` on; of all states, or one.
pub fn list_callbacks(
    connection: &mut Connection,
    state: Option<i16>,
    after: Option<&[u8]>,
    limit: i64,
) -> QueryResult<Vec<CallbackRow>> {
    let page = dsl::callbacks
        .filter(dsl::id.gt(after.unwrap_or_default()))
        .order(dsl::id)
        .limit(limit);
    match state {
        Some(state) => page
            .filter(dsl::state.eq(state))
            .select(CallbackRow::as_select())
            .load(connection),
        None => page.select(CallbackRow::as_select()).load(connection),
    }
}

/// Sends a finished callback once more, with all its attempts before it. False when there is none,
/// or it is still due.
pub fn replay_callback(
    connection: &mut Connection,
    id: &[u8],
    now: Timestamp,
) -> QueryResult<bool> {
    let rows = update(
        dsl::callbacks
            .find(id)
            .filter(dsl::state.ne(callback_state::DUE)),
    )
    .set((
        dsl::state.eq(callback_state::DUE),
        dsl::attempts.eq(0),
        dsl::due_at.eq(now.as_millis()),
        dsl::lease_until.eq(0),
        dsl::finished_at.eq(None::<i64>),
        dsl::last_error.eq(None::<String>),
    ))
    .execute(connection)?;
    Ok(rows == 1)
}
