use diesel::prelude::*;

use crate::store::connection::Connection;
use crate::store::rows::{AccessTokenRow, GrantRow, IdBytes, RefreshTokenRow};
use crate::store::schema::{access_tokens, grants, refresh_tokens};

/// Finds an access token, alive or not.
pub fn find_access_token(
    connection: &mut Connection,
    id: &[u8],
) -> QueryResult<Option<AccessTokenRow>> {
    access_tokens::table
        .find(id)
        .select(AccessTokenRow::as_select())
        .first(connection)
        .optional()
}

/// Finds a grant, alive or not.
pub fn find_grant(connection: &mut Connection, id: &[u8]) -> QueryResult<Option<GrantRow>> {
    grants::table
        .find(id)
        .select(GrantRow::as_select())
        .first(connection)
        .optional()
}

/// Keeps a grant from ending, and others from locking it, until the transaction is over; `false`
/// when there is none.
pub fn lock_grant(connection: &mut Connection, id: &[u8]) -> QueryResult<bool> {
    let grant = grants::table.find(id).select(grants::id);
    let found: Option<IdBytes> = match connection {
        Connection::Postgres(connection) => grant.for_update().first(connection).optional()?,
        // There is one writer.
        Connection::Sqlite(connection) => grant.first(connection).optional()?,
    };

    Ok(found.is_some())
}

/// Finds a family of refresh tokens and its grant, alive or not.
pub fn find_refresh_token(
    connection: &mut Connection,
    id: &[u8],
) -> QueryResult<Option<(RefreshTokenRow, GrantRow)>> {
    refresh_tokens::table
        .inner_join(grants::table.on(grants::id.eq(refresh_tokens::grant_id)))
        .filter(refresh_tokens::id.eq(id))
        .select((RefreshTokenRow::as_select(), GrantRow::as_select()))
        .first(connection)
        .optional()
}

/// Finds the family of refresh tokens that a grant has for an authenticator.
pub fn find_refresh_token_of_grant(
    connection: &mut Connection,
    grant: &[u8],
    authenticator: &str,
) -> QueryResult<Option<RefreshTokenRow>> {
    refresh_tokens::table
        .filter(refresh_tokens::grant_id.eq(grant))
        .filter(refresh_tokens::authenticator.eq(authenticator))
        .select(RefreshTokenRow::as_select())
        .first(connection)
        .optional()
}

/// Counts the families of refresh tokens of a grant.
pub fn count_refresh_tokens_of_grant(
    connection: &mut Connection,
    grant: &[u8],
) -> QueryResult<i64> {
    refresh_tokens::table
        .filter(refresh_tokens::grant_id.eq(grant))
        .count()
        .get_result(connection)
}

/// Adds a family of refresh tokens.
pub fn insert_refresh_token(connection: &mut Connection, row: &RefreshTokenRow) -> QueryResult<()> {
    diesel::insert_into(refresh_tokens::table)
        .values(row)
        .execute(connection)
        .map(drop)
}
