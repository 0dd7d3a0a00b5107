//! What administrators configure, and the one row that tells how often it changed.

use diesel::prelude::*;

use crate::store::Connection;
use crate::store::rows::SettingRow;
use crate::store::schema::{server_state, settings};

/// Counts the changes.
pub fn find_revision(connection: &mut Connection) -> QueryResult<i64> {
    server_state::table
        .select(server_state::settings_revision)
        .first(connection)
}

/// All objects, and a revision they are at least as new as.
pub fn load_settings(connection: &mut Connection) -> QueryResult<(i64, Vec<SettingRow>)> {
    // In this order: rows of a later change are read again when its revision is noticed.
    let revision = find_revision(connection)?;
    Ok((
        revision,
        settings::table
            .select(SettingRow::as_select())
            .load(connection)?,
    ))
}

/// Takes the next revision; `false` if the last one is not `from` any more. Comes first in a
/// transaction that changes settings: who comes second waits here.
pub fn advance_revision(connection: &mut Connection, from: i64) -> QueryResult<bool> {
    let last = server_state::table.filter(server_state::settings_revision.eq(from));
    let updated = diesel::update(last)
        .set(server_state::settings_revision.eq(from + 1))
        .execute(connection)?;
    Ok(updated == 1)
}

/// A new object.
pub fn insert_setting(connection: &mut Connection, row: &SettingRow) -> QueryResult<()> {
    diesel::insert_into(settings::table)
        .values(row)
        .execute(connection)
        .map(drop)
}

/// Another body for an object; its version grows by one. `false` if it is not there.
pub fn update_setting(connection: &mut Connection, row: &SettingRow) -> QueryResult<bool> {
    let object = settings::table.find((&row.kind, &row.name));
    let changes = (
        settings::body.eq(&row.body),
        settings::version.eq(settings::version + 1),
        settings::updated_at.eq(row.updated_at),
    );
    diesel::update(object)
        .set(changes)
        .execute(connection)
        .map(|updated| updated == 1)
}

/// Removes an object.
pub fn delete_setting(connection: &mut Connection, kind: &str, name: &str) -> QueryResult<()> {
    diesel::delete(settings::table.find((kind, name)))
        .execute(connection)
        .map(drop)
}

/// What tells whether a master key is the one the database was set up with.
pub fn find_key_check(connection: &mut Connection) -> QueryResult<Option<Vec<u8>>> {
    server_state::table
        .select(server_state::key_check)
        .first(connection)
}

/// Notes it, unless there is one.
pub fn insert_key_check(connection: &mut Connection, check: &[u8]) -> QueryResult<()> {
    let unset = server_state::table.filter(server_state::key_check.is_null());
    diesel::update(unset)
        .set(server_state::key_check.eq(Some(check)))
        .execute(connection)
        .map(drop)
}
