//! Logins that browsers remember.

use diesel::prelude::*;

use crate::store::connection::Connection;
use crate::store::rows::LoginSessionRow;
use crate::store::schema::{login_sessions, session_clients};

/// Adds a remembered login.
pub fn insert_login_session(connection: &mut Connection, row: &LoginSessionRow) -> QueryResult<()> {
    diesel::insert_into(login_sessions::table)
        .values(row)
        .execute(connection)
        .map(drop)
}

/// Finds the login of a browser.
pub fn find_login_session(
    connection: &mut Connection,
    session_hash: &[u8],
) -> QueryResult<Option<LoginSessionRow>> {
    login_sessions::table
        .filter(login_sessions::session_hash.eq(session_hash))
        .select(LoginSessionRow::as_select())
        .first(connection)
        .optional()
}

/// Removes the login of a browser; `false` when there is none.
pub fn delete_login_session(connection: &mut Connection, session_hash: &[u8]) -> QueryResult<bool> {
    diesel::delete(login_sessions::table.filter(login_sessions::session_hash.eq(session_hash)))
        .execute(connection)
        .map(|count| count > 0)
}

/// Removes a remembered login.
pub fn end_login_session(connection: &mut Connection, id: &[u8]) -> QueryResult<bool> {
    diesel::delete(login_sessions::table.find(id))
        .execute(connection)
        .map(|count| count > 0)
}

/// Notes that a remembered login was of use.
pub fn use_login_session(
    connection: &mut Connection,
    id: &[u8],
    used_at: i64,
) -> QueryResult<usize> {
    diesel::update(login_sessions::table.find(id))
        .set(login_sessions::used_at.eq(used_at))
        .execute(connection)
}

/// Removes all remembered logins of a user.
pub fn delete_login_sessions_of_user(
    connection: &mut Connection,
    user: &str,
) -> QueryResult<usize> {
    diesel::delete(login_sessions::table.filter(login_sessions::user_id.eq(user)))
        .execute(connection)
}

/// Notes that a client is to be told when a remembered login ends. Nothing happens where that was noted
/// before.
pub fn insert_session_client(
    connection: &mut Connection,
    session: &[u8],
    client: &str,
    expires_at: i64,
) -> QueryResult<()> {
    let row = (
        session_clients::session_id.eq(session),
        session_clients::client_id.eq(client),
        session_clients::expires_at.eq(expires_at),
    );
    let insert = diesel::insert_into(session_clients::table).values(row);

    match connection {
        Connection::Postgres(connection) => insert.on_conflict_do_nothing().execute(connection),
        Connection::Sqlite(connection) => insert.on_conflict_do_nothing().execute(connection),
    }
    .map(drop)
}

/// Takes the clients that are to be told that a remembered login has ended.
pub fn take_session_clients(
    connection: &mut Connection,
    session: &[u8],
) -> QueryResult<Vec<String>> {
    let told = session_clients::table.filter(session_clients::session_id.eq(session));
    let clients = told.select(session_clients::client_id).load(connection)?;
    diesel::delete(told).execute(connection)?;

    Ok(clients)
}
