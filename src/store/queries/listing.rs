//! All that is outstanding of a user, read in pages. Both lists are in the order of (client,
//! grant), which is the database's own: how it compares texts is not for anybody else to know.

use diesel::Connection as _;
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Binary, Text};

use super::tokens::{epochs_of_t, is_alive};
use crate::store::Connection;
use crate::store::rows::{IdBytes, ListedAccessTokenRow, ListedGrantRow, RefreshTokenRow};
use crate::store::schema::refresh_tokens;

/// PostgreSQL: one moment for both lists, and along the index that has their order, instead of
/// collecting all that a user has and sorting it anew for each page.
const SNAPSHOT: &str = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;
    SET LOCAL enable_bitmapscan = off;
    SET LOCAL enable_seqscan = off;
    SET LOCAL enable_hashjoin = off;
    SET LOCAL enable_mergejoin = off;
    SET LOCAL enable_sort = off";

/// Runs queries that see the database as it is at one moment.
pub fn in_snapshot<T>(
    connection: &mut Connection,
    queries: impl FnOnce(&mut Connection) -> QueryResult<T>,
) -> QueryResult<T> {
    connection.transaction(|connection| {
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

/// A user's grants that are alive, after this one; `inclusive`: from this one on.
pub fn list_grants(
    connection: &mut Connection,
    user: &str,
    (client, grant): (&str, &[u8]),
    inclusive: bool,
    limit: i64,
) -> QueryResult<Vec<ListedGrantRow>> {
    macro_rules! grants {
        ($compared:literal) => {
            concat!(
                "SELECT t.id, t.client_id, t.application_id FROM grants AS t",
                epochs_of_t!(),
                " WHERE",
                is_alive!(),
                " AND t.user_id = $1 AND (t.client_id, t.id) ",
                $compared,
                " ($2, $3) ORDER BY t.client_id, t.id LIMIT $4"
            )
        };
    }
    let query = sql_query(if inclusive {
        grants!(">=")
    } else {
        grants!(">")
    })
    .bind::<Text, _>(user)
    .bind::<Text, _>(client)
    .bind::<Binary, _>(grant)
    .bind::<BigInt, _>(limit);
    load!(connection, query)
}

/// A user's access tokens after this one, up to the last one of a grant. That their grants are
/// alive is for the caller to see.
pub fn list_access_tokens(
    connection: &mut Connection,
    user: &str,
    (client, grant, token): (&str, &[u8], &[u8]),
    (last_client, last_grant): (&str, &[u8]),
    limit: i64,
) -> QueryResult<Vec<ListedAccessTokenRow>> {
    const TOKENS: &str = concat!(
        "SELECT t.id, t.token_hash, t.grant_id, t.client_id, t.application_id, t.user_id, t.scope, t.resource_server, \
           t.jkt, t.signing_algorithm, t.issued_at, t.expires_at, g.amr, g.acr, g.auth_time, \
           d.application_version, d.platform FROM access_tokens AS t \
         JOIN grants AS g ON g.id = t.grant_id AND g.client_epoch = t.client_epoch \
         LEFT JOIN devices AS d ON d.id = t.client_id AND t.application_id IS NOT NULL",
        epochs_of_t!(),
        " WHERE",
        is_alive!(),
        " AND t.user_id = $1 AND (t.client_id, t.grant_id, t.id) > ($2, $3, $4) \
          AND (t.client_id, t.grant_id) <= ($5, $6) \
          AND (g.resource_server IS NULL OR g.resource_epoch = t.resource_epoch) \
         ORDER BY t.client_id, t.grant_id, t.id LIMIT $7"
    );
    let query = sql_query(TOKENS)
        .bind::<Text, _>(user)
        .bind::<Text, _>(client)
        .bind::<Binary, _>(grant)
        .bind::<Binary, _>(token)
        .bind::<Text, _>(last_client)
        .bind::<Binary, _>(last_grant)
        .bind::<BigInt, _>(limit);
    load!(connection, query)
}

/// The families of refresh tokens of these grants.
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
