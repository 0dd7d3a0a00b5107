//! Appliances that wait for their users (RFC 8628).

use diesel::prelude::*;

use super::unique::unless_taken;
use crate::store::connection::Connection;
use crate::store::rows::{DeviceCodeAnswer, DeviceCodeRow};
use crate::store::schema::device_codes;

/// Adds an appliance; `false` when its user code is taken.
pub fn insert_device_code(connection: &mut Connection, row: &DeviceCodeRow) -> QueryResult<bool> {
    unless_taken(connection, |connection| {
        diesel::insert_into(device_codes::table)
            .values(row)
            .execute(connection)
    })
}

/// Finds the appliance that polls with this code.
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

/// Finds the appliance that shows this code to its user.
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

/// Saves the user's decision; `false` when the row no longer has the expected status.
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
            device_codes::claims.eq(answer.claims.as_deref()),
        ))
        .execute(connection)
        .map(|count| count > 0)
}

/// Removes a client's appliances.
pub fn delete_device_codes_of_client(
    connection: &mut Connection,
    client: &str,
) -> QueryResult<usize> {
    diesel::delete(device_codes::table.filter(device_codes::client_id.eq(client)))
        .execute(connection)
}

/// Removes the appliances that this user has decided about.
pub fn delete_device_codes_of_user(connection: &mut Connection, user: &str) -> QueryResult<usize> {
    diesel::delete(device_codes::table.filter(device_codes::user_id.eq(user))).execute(connection)
}

/// Removes a client's appliances that this user has decided about.
pub fn delete_device_codes_of_user_at_client(
    connection: &mut Connection,
    user: &str,
    client: &str,
) -> QueryResult<usize> {
    let rows = device_codes::table
        .filter(device_codes::user_id.eq(user))
        .filter(device_codes::client_id.eq(client));
    diesel::delete(rows).execute(connection)
}
