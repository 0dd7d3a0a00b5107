//! What administrators configure, and the one row of the server's state.

use diesel::prelude::*;

use crate::store::connection::Connection;
use crate::store::rows::SettingRow;
use crate::store::schema::{server_state, settings};

/// Finds how often the settings were changed.
pub fn find_revision(connection: &mut Connection) -> QueryResult<i64> {
    server_state::table
        .select(server_state::settings_revision)
        .first(connection)
}

/// Loads all objects, and a revision that they are at least as new as.
pub fn load_settings(connection: &mut Connection) -> QueryResult<(i64, Vec<SettingRow>)> {
    // The revision comes first: rows of a later change are loaded again when its revision is
    // noticed.
    let revision = find_revision(connection)?;

    let rows = settings::table
        .select(SettingRow::as_select())
        .load(connection)?;
    Ok((revision, rows))
}

/// Raises the revision; `false` if it is no longer `from`. A transaction that changes settings
/// begins with this: of two, the second waits here.
pub fn advance_revision(connection: &mut Connection, from: i64) -> QueryResult<bool> {
    let unchanged = server_state::table.filter(server_state::settings_revision.eq(from));
    diesel::update(unchanged)
        .set(server_state::settings_revision.eq(from + 1))
        .execute(connection)
        .map(|count| count == 1)
}

/// Writes without changing anything.
pub fn touch_server_state(connection: &mut Connection) -> QueryResult<()> {
    diesel::update(server_state::table)
        .set(server_state::settings_revision.eq(server_state::settings_revision))
        .execute(connection)
        .map(drop)
}

/// Adds an object.
pub fn insert_setting(connection: &mut Connection, row: &SettingRow) -> QueryResult<()> {
    diesel::insert_into(settings::table)
        .values(row)
        .execute(connection)
        .map(drop)
}

/// Replaces the body of an object and raises its version; `false` if there is no such object.
pub fn update_setting(connection: &mut Connection, row: &SettingRow) -> QueryResult<bool> {
    diesel::update(settings::table.find((&row.kind, &row.name)))
        .set((
            settings::body.eq(&row.body),
            settings::version.eq(settings::version + 1),
            settings::updated_at.eq(row.updated_at),
        ))
        .execute(connection)
        .map(|count| count == 1)
}

/// Removes an object.
pub fn delete_setting(connection: &mut Connection, kind: &str, name: &str) -> QueryResult<()> {
    diesel::delete(settings::table.find((kind, name)))
        .execute(connection)
        .map(drop)
}

/// Finds the sealed text that tells whether a master key is the one the database was set up with.
pub fn find_key_check(connection: &mut Connection) -> QueryResult<Option<Vec<u8>>> {
    server_state::table
        .select(server_state::key_check)
        .first(connection)
}

/// Saves that text, unless there is one.
pub fn insert_key_check(connection: &mut Connection, check: &[u8]) -> QueryResult<()> {
    // The first writer decides; a second one waits for the row and then finds it set.
    let unset = server_state::table.filter(server_state::key_check.is_null());
    diesel::update(unset)
        .set(server_state::key_check.eq(Some(check)))
        .execute(connection)
        .map(drop)
}
