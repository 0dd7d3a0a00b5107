//! Authorization requests.

use diesel::dsl::exists;
use diesel::prelude::*;

use crate::store::connection::Connection;
use crate::store::journal::changes::AuthorizationStep;
use crate::store::journal::write::write;
use crate::store::rows::AuthorizationRow;
use crate::store::schema::{authorizations, devices};

/// Adds an authorization request.
pub fn insert_authorization(
    connection: &mut Connection,
    row: &AuthorizationRow,
) -> QueryResult<()> {
    diesel::insert_into(authorizations::table)
        .values(row)
        .execute(connection)
        .map(drop)
}

/// Finds an authorization.
pub fn find_authorization(
    connection: &mut Connection,
    id: &[u8],
) -> QueryResult<Option<AuthorizationRow>> {
    authorizations::table
        .find(id)
        .select(AuthorizationRow::as_select())
        .first(connection)
        .optional()
}

/// Finds the authorization that a login or consent page was opened for.
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

/// Finds the authorization that a code was issued for.
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

/// Saves a step, as the journal does; `false` when the authorization no longer has the status that
/// the step was decided on.
pub fn step_authorization(
    connection: &mut Connection,
    step: &AuthorizationStep,
) -> QueryResult<bool> {
    let refused = write(connection, vec![(0, step)])?;
    Ok(refused.is_empty())
}

/// Removes a user's authorizations.
pub fn delete_authorizations_of_user(
    connection: &mut Connection,
    user: &str,
) -> QueryResult<usize> {
    diesel::delete(authorizations::table.filter(authorizations::user_id.eq(user)))
        .execute(connection)
}

/// Removes a user's authorizations at a client.
pub fn delete_authorizations_of_user_at_client(
    connection: &mut Connection,
    user: &str,
    client: &str,
) -> QueryResult<usize> {
    let rows = authorizations::table
        .filter(authorizations::user_id.eq(user))
        .filter(authorizations::client_id.eq(client));
    diesel::delete(rows).execute(connection)
}

/// Removes a client's authorizations.
pub fn delete_authorizations_of_client(
    connection: &mut Connection,
    client: &str,
) -> QueryResult<usize> {
    diesel::delete(authorizations::table.filter(authorizations::client_id.eq(client)))
        .execute(connection)
}

/// Removes the authorizations of an application's devices.
pub fn delete_authorizations_of_application(
    connection: &mut Connection,
    application: &str,
) -> QueryResult<usize> {
    let device = devices::table
        .filter(devices::id.eq(authorizations::client_id))
        .filter(devices::application_id.eq(application));
    diesel::delete(authorizations::table.filter(exists(device))).execute(connection)
}

/// Removes a user's authorizations on an application's devices.
pub fn delete_authorizations_of_user_at_application(
    connection: &mut Connection,
    user: &str,
    application: &str,
) -> QueryResult<usize> {
    let device = devices::table
        .filter(devices::id.eq(authorizations::client_id))
        .filter(devices::application_id.eq(application));
    let rows = authorizations::table
        .filter(authorizations::user_id.eq(user))
        .filter(exists(device));
    diesel::delete(rows).execute(connection)
}
