//! Access tokens, client assertions seen, authorizations on their way.

use diesel::prelude::*;

use super::unless_taken;
use crate::store::Connection;
use crate::store::rows::{AccessTokenRow, AssertionIdRow, AuthorizationRow, DeviceRow};
use crate::store::schema::{access_tokens, assertion_ids, authorizations, devices};

/// Adds a token.
pub fn insert_access_token(connection: &mut Connection, row: &AccessTokenRow) -> QueryResult<()> {
    diesel::insert_into(access_tokens::table).values(row).execute(connection).map(drop)
}

/// An installation's token, and the installation.
pub fn find_access_token(
    connection: &mut Connection,
    token_hash: &[u8],
) -> QueryResult<Option<(AccessTokenRow, DeviceRow)>> {
    access_tokens::table
        .inner_join(devices::table.on(devices::id.eq(access_tokens::client_id)))
        .filter(access_tokens::token_hash.eq(token_hash))
        .select((AccessTokenRow::as_select(), DeviceRow::as_select()))
        .first(connection)
        .optional()
}

/// Removes one token.
pub fn delete_access_token(connection: &mut Connection, token_hash: &[u8]) -> QueryResult<bool> {
    diesel::delete(access_tokens::table.find(token_hash)).execute(connection).map(|count| count > 0)
}

/// Removes everything issued to a client, and what is on its way to it.
pub fn delete_grants_of_client(connection: &mut Connection, client: &str) -> QueryResult<()> {
    diesel::delete(access_tokens::table.filter(access_tokens::client_id.eq(client))).execute(connection)?;
    diesel::delete(authorizations::table.filter(authorizations::client_id.eq(client))).execute(connection)?;
    Ok(())
}

/// Notes an assertion; `false` when it was seen before.
pub fn insert_assertion_id(connection: &mut Connection, row: &AssertionIdRow) -> QueryResult<bool> {
    unless_taken(connection, |connection| diesel::insert_into(assertion_ids::table).values(row).execute(connection))
}

/// Adds an authorization request.
pub fn insert_authorization(connection: &mut Connection, row: &AuthorizationRow) -> QueryResult<()> {
    diesel::insert_into(authorizations::table).values(row).execute(connection).map(drop)
}

/// The authorization the login page was called for.
pub fn find_authorization_by_challenge(
    connection: &mut Connection,
    challenge_hash: &[u8],
) -> QueryResult<Option<AuthorizationRow>> {
    authorizations::table
        .filter(authorizations::challenge_hash.eq(challenge_hash))
        .select(AuthorizationRow::as_select())
        .first(connection)
        .optional()
}

/// The authorization a code was issued for.
pub fn find_authorization_by_code(
    connection: &mut Connection,
    code_hash: &[u8],
) -> QueryResult<Option<AuthorizationRow>> {
    authorizations::table
        .filter(authorizations::code_hash.eq(code_hash))
        .select(AuthorizationRow::as_select())
        .first(connection)
        .optional()
}

/// Saves what became of an authorization; `false` when it does not have the status any more that this was decided on.
pub fn update_authorization(
    connection: &mut Connection,
    row: &AuthorizationRow,
    expected_status: i16,
) -> QueryResult<bool> {
    let unchanged = authorizations::table.find(&row.id).filter(authorizations::status.eq(expected_status));
    diesel::update(unchanged)
        .set((
            authorizations::status.eq(row.status),
            authorizations::code_hash.eq(row.code_hash.as_deref()),
            authorizations::user_id.eq(row.user_id.as_deref()),
            authorizations::amr.eq(row.amr.as_deref()),
            authorizations::acr.eq(row.acr.as_deref()),
            authorizations::token_hash.eq(row.token_hash.as_deref()),
            authorizations::expires_at.eq(row.expires_at),
        ))
        .execute(connection)
        .map(|count| count > 0)
}
