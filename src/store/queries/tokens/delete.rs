use diesel::prelude::*;

use crate::store::connection::Connection;
use crate::store::rows::GrantRow;
use crate::store::schema::{access_tokens, grants, refresh_tokens};

/// Ends a grant, and with it everything that rests on it; `false` when there is none.
pub fn delete_grant(connection: &mut Connection, id: &[u8]) -> QueryResult<bool> {
    diesel::delete(grants::table.find(id))
        .execute(connection)
        .map(|count| count > 0)
}

/// Ends all grants of a user.
pub fn delete_grants_of_user(connection: &mut Connection, user: &str) -> QueryResult<usize> {
    diesel::delete(grants::table.filter(grants::user_id.eq(user))).execute(connection)
}

/// Ends all grants of a user at a client.
pub fn delete_grants_of_user_at_client(
    connection: &mut Connection,
    user: &str,
    client: &str,
) -> QueryResult<usize> {
    let grants = grants::table
        .filter(grants::user_id.eq(user))
        .filter(grants::client_id.eq(client));
    diesel::delete(grants).execute(connection)
}

/// Ends all grants of a user on the devices of an application.
pub fn delete_grants_of_user_at_application(
    connection: &mut Connection,
    user: &str,
    application: &str,
) -> QueryResult<usize> {
    let grants = grants::table
        .filter(grants::user_id.eq(user))
        .filter(grants::application_id.eq(application));
    diesel::delete(grants).execute(connection)
}

/// Ends all grants at a client.
pub fn delete_grants_of_client(connection: &mut Connection, client: &str) -> QueryResult<usize> {
    diesel::delete(grants::table.filter(grants::client_id.eq(client))).execute(connection)
}

/// Removes one access token; `false` when there is none.
pub fn delete_access_token(connection: &mut Connection, id: &[u8]) -> QueryResult<bool> {
    diesel::delete(access_tokens::table.find(id))
        .execute(connection)
        .map(|count| count > 0)
}

/// Removes the access tokens that rest on a grant.
pub fn delete_access_tokens_of_grant(
    connection: &mut Connection,
    grant: &GrantRow,
) -> QueryResult<usize> {
    // The index begins with user and client.
    let tokens = access_tokens::table
        .filter(access_tokens::user_id.eq(&grant.user_id))
        .filter(access_tokens::client_id.eq(&grant.client_id))
        .filter(access_tokens::grant_id.eq(&grant.id));
    diesel::delete(tokens).execute(connection)
}

/// Removes the access tokens that a device got for itself, not for a user.
pub fn delete_own_tokens_of_device(
    connection: &mut Connection,
    device: &str,
) -> QueryResult<usize> {
    // Those of users go with their grants.
    let own = access_tokens::table
        .filter(access_tokens::client_id.eq(device))
        .filter(access_tokens::application_id.is_not_null())
        .filter(access_tokens::grant_id.is_null());
    diesel::delete(own).execute(connection)
}

/// Ends one family of refresh tokens; `false` when there is none.
pub fn delete_refresh_token(connection: &mut Connection, id: &[u8]) -> QueryResult<bool> {
    diesel::delete(refresh_tokens::table.find(id))
        .execute(connection)
        .map(|count| count > 0)
}

/// Ends the families of refresh tokens that belong to an authenticator of a user on a device.
pub fn delete_refresh_tokens_of_authenticator(
    connection: &mut Connection,
    device: &str,
    user: &str,
    authenticator: &str,
) -> QueryResult<usize> {
    // A refresh token has neither user nor device of its own: they are its grant's.
    let grants_of_user = grants::table
        .filter(grants::user_id.eq(user))
        .filter(grants::client_id.eq(device))
        .select(grants::id);
    let families = refresh_tokens::table
        .filter(refresh_tokens::authenticator.eq(authenticator))
        .filter(refresh_tokens::grant_id.eq_any(grants_of_user));
    diesel::delete(families).execute(connection)
}
