//! Everything outstanding of a user, read in pages. Both lists are in the order of (client, grant)
//! as the database has it; nobody else needs to know how it compares texts.

use diesel::Connection as _;
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Binary, Text};

use crate::store::connection::Connection;
use crate::store::epochs::{is_alive, join_epochs, join_revocations};
use crate::store::record::Record as _;
use crate::store::rows::{
    AccessTokenRow, IdBytes, ListedAccessTokenRow, ListedGrantRow, RefreshTokenRow,
};
use crate::store::schema::refresh_tokens;

/// PostgreSQL: both lists are read as of one moment, along the index that has their order. Other
/// plans would collect everything a user has and sort it again for each page.
const SNAPSHOT: &str = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;
    SET LOCAL enable_bitmapscan = off;
    SET LOCAL enable_seqscan = off;
    SET LOCAL enable_hashjoin = off;
    SET LOCAL enable_mergejoin = off;
    SET LOCAL enable_sort = off";

/// Runs queries that see the database as of one moment.
pub fn in_snapshot<T>(
    connection: &mut Connection,
    queries: impl FnOnce(&mut Connection) -> QueryResult<T>,
) -> QueryResult<T> {
    connection.transaction(|connection| {
        // On SQLite a transaction sees one moment anyway.
        if let Connection::Postgres(connection) = connection {
            connection.batch_execute(SNAPSHOT)?;
        }
        queries(connection)
    })
}

macro_rules! load {
    ($connection:expr, $query:expr) => {
        match $connection {
            Connection::Postgres(connection) => $query.load(connection),
            Connection::Sqlite(connection) => $query.load(connection),
        }
    };
}

macro_rules! grants_query {
    ($comparison:literal) => {
        concat!(
            "SELECT t.id, t.client_id, t.application_id FROM grants AS t",
            join_revocations!(),
            " WHERE",
            is_alive!(),
            " AND t.user_id = $1 AND (t.client_id, t.id) ",
            $comparison,
            " ($2, $3) ORDER BY t.client_id, t.id LIMIT $4"
        )
    };
}

/// Lists a user's grants that are alive: those after the given one, or, if `inclusive`, from it on.
pub fn list_grants(
    connection: &mut Connection,
    user: &str,
    (client, grant): (&str, &[u8]),
    inclusive: bool,
    limit: i64,
) -> QueryResult<Vec<ListedGrantRow>> {
    let query = if inclusive {
        grants_query!(">=")
    } else {
        grants_query!(">")
    };

    let query = sql_query(query)
        .bind::<Text, _>(user)
        .bind::<Text, _>(client)
        .bind::<Binary, _>(grant)
        .bind::<BigInt, _>(limit);

    load!(connection, query)
}

/// What follows the columns of the token in [`list_access_tokens`].
const ACCESS_TOKENS: &str = concat!(
    ", g.amr, g.acr, g.auth_time, g.claims, d.application_version, d.platform FROM access_tokens AS t \
     JOIN grants AS g ON g.id = t.grant_id AND g.client_epoch = t.client_epoch \
       AND g.client_id = t.client_id \
     LEFT JOIN devices AS d ON d.id = t.client_id AND t.application_id IS NOT NULL",
    join_revocations!(),
    " WHERE",
    is_alive!(),
    " AND t.user_id = $1 AND (t.client_id, t.grant_id, t.id) > ($2, $3, $4) \
      AND (t.client_id, t.grant_id) <= ($5, $6) \
      AND (g.resource_server IS NULL OR g.resource_epoch = t.resource_epoch) \
     ORDER BY t.client_id, t.grant_id, t.id LIMIT $7"
);

/// Lists a user's access tokens after the given one, up to the last one of a grant. The caller
/// makes sure that their grants are alive. Tokens that other clients got in exchange are not listed:
/// they end with the grant.
pub fn list_access_tokens(
    connection: &mut Connection,
    user: &str,
    (client, grant, token): (&str, &[u8], &[u8]),
    (last_client, last_grant): (&str, &[u8]),
    limit: i64,
) -> QueryResult<Vec<ListedAccessTokenRow>> {
    let columns = AccessTokenRow::FIELDS.join(", t.");
    let query = sql_query(format!("SELECT t.{columns}{ACCESS_TOKENS}"))
        .bind::<Text, _>(user)
        .bind::<Text, _>(client)
        .bind::<Binary, _>(grant)
        .bind::<Binary, _>(token)
        .bind::<Text, _>(last_client)
        .bind::<Binary, _>(last_grant)
        .bind::<BigInt, _>(limit);

    load!(connection, query)
}

/// Lists the families of refresh tokens of these grants.
pub fn list_refresh_tokens(
    connection: &mut Connection,
    grants: &[IdBytes],
) -> QueryResult<Vec<RefreshTokenRow>> {
    refresh_tokens::table
        .filter(refresh_tokens::grant_id.eq_any(grants))
        .order(refresh_tokens::id)
        .select(RefreshTokenRow::as_select())
        .load(connection)
}
