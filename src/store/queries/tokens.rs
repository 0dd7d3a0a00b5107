//! Tokens: what they rest on, which of them are alive, and how they end.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Binary, Integer, Nullable, Text};

use crate::store::Connection;
use crate::store::keyed::keyed_statement;
use crate::store::rows::{
    AccessTokenRow, AuthenticationColumns, GrantRow, IdBytes, LiveAccessToken, LiveRefreshToken,
    PortalTokenRow, RefreshTokenRow,
};
use crate::store::schema::{access_tokens, grants, refresh_tokens, token_epochs};

type AccessTokenColumns = (
    Binary,
    Nullable<Binary>,
    Nullable<Binary>,
    Text,
    Nullable<Text>,
    Nullable<Text>,
    Text,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    BigInt,
    BigInt,
);

type GrantColumns = (
    Binary,
    Text,
    Nullable<Text>,
    Text,
    Text,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    BigInt,
    BigInt,
    BigInt,
);

type RefreshTokenColumns = (
    Binary,
    Binary,
    Text,
    Nullable<Text>,
    Integer,
    BigInt,
    BigInt,
);

/// What the epochs of a row `t` are compared with.
macro_rules! epochs_of_t {
    () => {
        " LEFT JOIN token_epochs AS c \
            ON c.kind = CASE WHEN t.application_id IS NULL THEN 'client' ELSE 'application' END \
            AND c.name = COALESCE(t.application_id, t.client_id) \
          LEFT JOIN token_epochs AS r ON r.kind = 'resource_server' AND r.name = t.resource_server \
          LEFT JOIN disabled_users AS x ON x.user_id = t.user_id"
    };
}

/// Whether a row `t` was revoked with its client, its resource server or its user.
macro_rules! is_alive {
    () => {
        " x.user_id IS NULL AND t.client_epoch = COALESCE(c.epoch, 0) AND t.resource_epoch = COALESCE(r.epoch, 0)"
    };
}

pub(super) use {epochs_of_t, is_alive};

type FoundAccessToken = (
    AccessTokenRow,
    (Option<i64>, Option<String>, Option<String>),
    (Option<String>, Option<String>),
);

keyed_statement! {
    /// Access tokens that are alive.
    LiveAccessTokens by IdBytes as Binary:
    "SELECT t.id, t.token_hash, t.grant_id, t.client_id, t.application_id, t.user_id, t.scope, t.resource_server, t.jkt, \
       t.signing_algorithm, t.issued_at, t.expires_at, g.auth_time, g.amr, g.acr, d.application_version, d.platform",
    concat!(
        " JOIN access_tokens AS t ON t.id = k.key \
          LEFT JOIN grants AS g ON g.id = t.grant_id \
          LEFT JOIN devices AS d ON d.id = t.client_id AND t.application_id IS NOT NULL",
        epochs_of_t!(),
        " WHERE", is_alive!(),
        // A grant that is for a resource server was made under its epoch too: what is refreshed
        // while everything for the server is revoked must not outlive that.
        " AND (t.grant_id IS NULL OR g.client_epoch = COALESCE(c.epoch, 0) \
                 AND (g.resource_server IS NULL OR g.resource_epoch = t.resource_epoch)) \
          AND (t.application_id IS NULL OR d.id IS NOT NULL)"
    ) => FoundAccessToken as (
        AccessTokenColumns,
        (Nullable<BigInt>, Nullable<Text>, Nullable<Text>),
        (Nullable<Text>, Nullable<Text>),
    )
}

/// The tokens of these ids that are alive: not revoked, alone or with what they rest on. Expiry is
/// not looked at.
pub fn find_live_access_tokens(
    connection: &mut Connection,
    ids: &[IdBytes],
) -> QueryResult<Vec<(IdBytes, LiveAccessToken)>> {
    let found = LiveAccessTokens::load(connection, ids)?;
    let live = |(token, (auth_time, amr, acr), (version, platform)): FoundAccessToken| {
        let authentication = auth_time.map(|auth_time| AuthenticationColumns {
            amr,
            acr,
            auth_time,
        });
        (
            token.id.clone(),
            LiveAccessToken {
                token,
                authentication,
                installation: version.zip(platform),
            },
        )
    };
    Ok(found.into_iter().map(live).collect())
}

keyed_statement! {
    /// Families of refresh tokens that are alive.
    LiveRefreshTokens by IdBytes as Binary:
    "SELECT f.id, f.grant_id, f.authenticator, f.jkt, f.generation, f.issued_at, f.expires_at, \
       t.id, t.client_id, t.application_id, t.user_id, t.scope, t.resource_server, t.amr, t.acr, t.auth_time, \
       t.created_at, t.expires_at, a.public_key",
    concat!(
        " JOIN refresh_tokens AS f ON f.id = k.key \
          JOIN grants AS t ON t.id = f.grant_id \
          LEFT JOIN authenticators AS a ON a.device_id = t.client_id AND a.user_id = t.user_id \
            AND a.name = f.authenticator",
        epochs_of_t!(),
        " WHERE", is_alive!()
    ) => (RefreshTokenRow, GrantRow, Option<String>) as (RefreshTokenColumns, GrantColumns, Nullable<Text>)
}

/// The families of these ids that are alive. Expiry is not looked at.
pub fn find_live_refresh_tokens(
    connection: &mut Connection,
    ids: &[IdBytes],
) -> QueryResult<Vec<(IdBytes, LiveRefreshToken)>> {
    let found = LiveRefreshTokens::load(connection, ids)?;
    let live =
        |(refresh_token, grant, authenticator_key): (RefreshTokenRow, GrantRow, Option<String>)| {
            (
                refresh_token.id.clone(),
                LiveRefreshToken {
                    refresh_token,
                    grant,
                    authenticator_key,
                },
            )
        };
    Ok(found.into_iter().map(live).collect())
}

/// A family of refresh tokens of a grant, by its authenticator.
pub fn find_refresh_token_of_grant(
    connection: &mut Connection,
    grant: &[u8],
    authenticator: &str,
) -> QueryResult<Option<RefreshTokenRow>> {
    refresh_tokens::table
        .filter(
            refresh_tokens::grant_id
                .eq(grant)
                .and(refresh_tokens::authenticator.eq(authenticator)),
        )
        .select(RefreshTokenRow::as_select())
        .first(connection)
        .optional()
}

/// Begins a family of refresh tokens.
pub fn insert_refresh_token(connection: &mut Connection, row: &RefreshTokenRow) -> QueryResult<()> {
    diesel::insert_into(refresh_tokens::table)
        .values(row)
        .execute(connection)
        .map(drop)
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
    diesel::delete(grants::table.filter(grants::user_id.eq(user).and(grants::client_id.eq(client))))
        .execute(connection)
}

/// Ends all grants at a client.
pub fn delete_grants_of_client(connection: &mut Connection, client: &str) -> QueryResult<usize> {
    diesel::delete(grants::table.filter(grants::client_id.eq(client))).execute(connection)
}

/// Ends the families of refresh tokens that belong to an authenticator of a user on a device.
pub fn delete_refresh_tokens_of_authenticator(
    connection: &mut Connection,
    device: &str,
    user: &str,
    authenticator: &str,
) -> QueryResult<usize> {
    let of_user = grants::table
        .filter(grants::user_id.eq(user).and(grants::client_id.eq(device)))
        .select(grants::id);
    let theirs = refresh_tokens::authenticator
        .eq(authenticator)
        .and(refresh_tokens::grant_id.eq_any(of_user));
    diesel::delete(refresh_tokens::table.filter(theirs)).execute(connection)
}

/// Removes an installation's own tokens.
pub fn delete_own_tokens_of_device(
    connection: &mut Connection,
    device: &str,
) -> QueryResult<usize> {
    let own = access_tokens::table
        .filter(access_tokens::client_id.eq(device))
        .filter(
            access_tokens::application_id
                .is_not_null()
                .and(access_tokens::grant_id.is_null()),
        );
    diesel::delete(own).execute(connection)
}

/// Removes one access token; `false` when there is none.
pub fn delete_access_token(connection: &mut Connection, id: &[u8]) -> QueryResult<bool> {
    diesel::delete(access_tokens::table.find(id))
        .execute(connection)
        .map(|count| count > 0)
}

/// An access token, alive or not.
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

/// A grant, alive or not.
pub fn find_grant(connection: &mut Connection, id: &[u8]) -> QueryResult<Option<GrantRow>> {
    grants::table
        .find(id)
        .select(GrantRow::as_select())
        .first(connection)
        .optional()
}

/// A family of refresh tokens and what it rests on, alive or not.
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

/// How many families of refresh tokens a grant has.
pub fn count_refresh_tokens_of_grant(
    connection: &mut Connection,
    grant: &[u8],
) -> QueryResult<i64> {
    refresh_tokens::table
        .filter(refresh_tokens::grant_id.eq(grant))
        .count()
        .get_result(connection)
}

/// Ends one family of refresh tokens; `false` when there is none.
pub fn delete_refresh_token(connection: &mut Connection, id: &[u8]) -> QueryResult<bool> {
    diesel::delete(refresh_tokens::table.find(id))
        .execute(connection)
        .map(|count| count > 0)
}

/// Removes the access tokens that rest on a grant.
pub fn delete_access_tokens_of_grant(
    connection: &mut Connection,
    grant: &GrantRow,
) -> QueryResult<usize> {
    // Whose it is, because the index begins with that.
    let theirs = access_tokens::table
        .filter(
            access_tokens::user_id
                .eq(&grant.user_id)
                .and(access_tokens::client_id.eq(&grant.client_id)),
        )
        .filter(access_tokens::grant_id.eq(&grant.id));
    diesel::delete(theirs).execute(connection)
}

/// Ends all grants of a user at the installations of an application.
pub fn delete_grants_of_user_at_application(
    connection: &mut Connection,
    user: &str,
    application: &str,
) -> QueryResult<usize> {
    let there = grants::user_id
        .eq(user)
        .and(grants::application_id.eq(application));
    diesel::delete(grants::table.filter(there)).execute(connection)
}

/// What a portal shows of a user's tokens: those that are alive, in an order of their own.
pub fn list_tokens_of_user(
    connection: &mut Connection,
    user: &str,
    now: i64,
    limit: i64,
) -> QueryResult<Vec<PortalTokenRow>> {
    // SQLite counts parameters as they first come.
    const TOKENS: &str = concat!(
        "SELECT COALESCE(a.id, t.id) AS id, t.client_id, t.application_id, d.name AS device_name, \
           COALESCE(a.scope, t.scope) AS scope, COALESCE(a.issued_at, t.created_at) AS issued_at, a.expires_at, \
           (SELECT MAX(CASE WHEN f.authenticator = 'fingerprint' THEN 3 \
                            WHEN f.authenticator LIKE 'custom:%' THEN 2 ELSE 1 END) \
              FROM refresh_tokens AS f WHERE f.grant_id = t.id AND f.expires_at > $1) AS protection \
         FROM grants AS t \
         LEFT JOIN access_tokens AS a ON a.user_id = t.user_id AND a.client_id = t.client_id AND a.grant_id = t.id \
           AND a.client_epoch = t.client_epoch AND a.resource_epoch = COALESCE((SELECT e.epoch FROM token_epochs AS e \
             WHERE e.kind = 'resource_server' AND e.name = a.resource_server), 0) \
         LEFT JOIN devices AS d ON d.id = t.client_id AND t.application_id IS NOT NULL",
        epochs_of_t!(),
        " WHERE",
        is_alive!(),
        " AND t.user_id = $2 \
           AND (a.expires_at > $1 OR EXISTS (SELECT 1 FROM refresh_tokens AS f WHERE f.grant_id = t.id AND f.expires_at > $1)) \
         ORDER BY t.client_id, t.id, a.id LIMIT $3"
    );
    let query = sql_query(TOKENS)
        .bind::<BigInt, _>(now)
        .bind::<Text, _>(user)
        .bind::<BigInt, _>(limit);
    match connection {
        Connection::Postgres(connection) => query.load(connection),
        Connection::Sqlite(connection) => query.load(connection),
    }
}

/// The kinds of `token_epochs`.
pub mod epoch_kind {
    /// A web client.
    pub const CLIENT: &str = "client";
    /// All installations of an application.
    pub const APPLICATION: &str = "application";
    /// What takes tokens.
    pub const RESOURCE_SERVER: &str = "resource_server";
}

/// Ends every token and grant of a client, an application or for a resource server, however many
/// there are.
pub fn raise_epoch(connection: &mut Connection, kind: &str, name: &str) -> QueryResult<()> {
    let row = (
        token_epochs::kind.eq(kind),
        token_epochs::name.eq(name),
        token_epochs::epoch.eq(1),
    );
    let next = token_epochs::epoch.eq(token_epochs::epoch + 1);
    let key = (token_epochs::kind, token_epochs::name);
    let insert = diesel::insert_into(token_epochs::table).values(row);
    match connection {
        Connection::Postgres(connection) => insert
            .on_conflict(key)
            .do_update()
            .set(next)
            .execute(connection),
        Connection::Sqlite(connection) => insert
            .on_conflict(key)
            .do_update()
            .set(next)
            .execute(connection),
    }
    .map(drop)
}
