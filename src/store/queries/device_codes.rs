//! Devices that wait for their users (RFC 8628).

use diesel::prelude::*;

use super::unless_taken;
use crate::store::Connection;
use crate::store::rows::{DeviceCodeAnswer, DeviceCodeRow, DevicePoll};
use crate::store::schema::device_codes;

/// Adds a device that waits; `false` when its user code is taken.
pub fn insert_device_code(connection: &mut Connection, row: &DeviceCodeRow) -> QueryResult<bool> {
    unless_taken(connection, |connection| {
        diesel::insert_into(device_codes::table)
            .values(row)
            .execute(connection)
    })
}

/// The device that has this code.
pub fn find_device_code(
    connection: &mut Connection,
    device_code_hash: &[u8],
) -> QueryResult<Option<DeviceCodeRow>> {
    device_codes::table
        .filter(device_codes::device_code_hash.eq(device_code_hash))
        .select(DeviceCodeRow::as_select())
        .first(connection)
        .optional()
}

/// The device that shows this code to its user.
pub fn find_device_code_of_user_code(
    connection: &mut Connection,
    user_code_hash: &[u8],
) -> QueryResult<Option<DeviceCodeRow>> {
    device_codes::table
        .filter(device_codes::user_code_hash.eq(user_code_hash))
        .select(DeviceCodeRow::as_select())
        .first(connection)
        .optional()
}

/// Notes that the appliance has polled, and its interval from now on; `false` when it has polled
/// since it was read.
pub fn note_poll(connection: &mut Connection, poll: &DevicePoll) -> QueryResult<bool> {
    let this = device_codes::table.find(&poll.id);
    let change = (
        device_codes::polled_at.eq(poll.polled_at),
        device_codes::interval_seconds.eq(poll.interval_seconds),
    );

    let noted = match poll.expected_polled_at {
        Some(before) => diesel::update(this.filter(device_codes::polled_at.eq(before)))
            .set(change)
            .execute(connection)?,
        None => diesel::update(this.filter(device_codes::polled_at.is_null()))
            .set(change)
            .execute(connection)?,
    };
    Ok(noted > 0)
}

/// Saves what the user has decided; `false` when it was decided before.
pub fn answer_device_code(
    connection: &mut Connection,
    answer: &DeviceCodeAnswer,
) -> QueryResult<bool> {
    let waiting = device_codes::table
        .find(&answer.id)
        .filter(device_codes::status.eq(answer.expected_status));
    diesel::update(waiting)
        .set((
            device_codes::status.eq(answer.status),
            device_codes::scope.eq(&answer.scope),
            device_codes::user_id.eq(answer.user_id.as_deref()),
            device_codes::amr.eq(answer.amr.as_deref()),
            device_codes::acr.eq(answer.acr.as_deref()),
            device_codes::auth_time.eq(answer.auth_time),
        ))
        .execute(connection)
        .map(|count| count > 0)
}
