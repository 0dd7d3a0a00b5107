//! Authorization requests on their way.

use diesel::dsl::exists;
use diesel::prelude::*;

use crate::store::Connection;
use crate::store::rows::{AuthorizationRow, AuthorizationStep};
use crate::store::schema::{authorizations, device_codes, devices};

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

/// Saves a step of an authorization; `false` when it does not have the expected status any more.
pub fn step_authorization(
    connection: &mut Connection,
    step: &AuthorizationStep,
) -> QueryResult<bool> {
    let unchanged = authorizations::table
        .find(&step.id)
        .filter(authorizations::status.eq(step.expected_status));

    diesel::update(unchanged)
        .set((
            authorizations::status.eq(step.status),
            authorizations::challenge_hash.eq(&step.challenge_hash),
            authorizations::code_hash.eq(&step.code_hash),
            authorizations::scope.eq(&step.scope),
            authorizations::user_id.eq(&step.user_id),
            authorizations::amr.eq(&step.amr),
            authorizations::acr.eq(&step.acr),
            authorizations::auth_time.eq(step.auth_time),
            authorizations::expires_at.eq(step.expires_at),
        ))
        .execute(connection)
        .map(|count| count > 0)
}

/// Forgets what is on its way for a user.
pub fn delete_authorizations_of_user(
    connection: &mut Connection,
    user: &str,
) -> QueryResult<usize> {
    diesel::delete(authorizations::table.filter(authorizations::user_id.eq(user)))
        .execute(connection)
}

/// Forgets what is on its way to a client for a user.
pub fn delete_authorizations_of_user_at_client(
    connection: &mut Connection,
    user: &str,
    client: &str,
) -> QueryResult<usize> {
    let both = authorizations::user_id
        .eq(user)
        .and(authorizations::client_id.eq(client));
    diesel::delete(authorizations::table.filter(both)).execute(connection)
}

/// Forgets what is on its way to a client.
pub fn delete_authorizations_of_client(
    connection: &mut Connection,
    client: &str,
) -> QueryResult<usize> {
    diesel::delete(authorizations::table.filter(authorizations::client_id.eq(client)))
        .execute(connection)
}

/// Forgets what is on its way to the installations of an application.
pub fn delete_authorizations_of_application(
    connection: &mut Connection,
    application: &str,
) -> QueryResult<usize> {
    let installation = devices::table
        .filter(devices::id.eq(authorizations::client_id))
        .filter(devices::application_id.eq(application));
    diesel::delete(authorizations::table.filter(exists(installation))).execute(connection)
}

/// Forgets what is on its way for a user to the installations of an application.
pub fn delete_authorizations_of_user_at_application(
    connection: &mut Connection,
    user: &str,
    application: &str,
) -> QueryResult<usize> {
    let installation = devices::table
        .filter(devices::id.eq(authorizations::client_id))
        .filter(devices::application_id.eq(application));
    let theirs = authorizations::table
        .filter(authorizations::user_id.eq(user))
        .filter(exists(installation));
    diesel::delete(theirs).execute(connection)
}

/// Forgets the devices that wait for a user on behalf of a client.
pub fn delete_device_codes_of_client(
    connection: &mut Connection,
    client: &str,
) -> QueryResult<usize> {
    diesel::delete(device_codes::table.filter(device_codes::client_id.eq(client)))
        .execute(connection)
}

/// Forgets the devices of a client that wait and have this user already.
pub fn delete_device_codes_of_user_at_client(
    connection: &mut Connection,
    user: &str,
    client: &str,
) -> QueryResult<usize> {
    let both = device_codes::user_id
        .eq(user)
        .and(device_codes::client_id.eq(client));
    diesel::delete(device_codes::table.filter(both)).execute(connection)
}
