use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text};

use crate::store::connection::Connection;
use crate::store::epochs::{is_alive, join_epochs, join_revocations};
use crate::store::rows::PortalTokenRow;

/// SQLite numbers parameters as they first appear.
const TOKENS: &str = concat!(
    "SELECT COALESCE(a.id, t.id) AS id, t.client_id, t.application_id, d.name AS device_name, \
       COALESCE(a.scope, t.scope) AS scope, COALESCE(a.issued_at, t.created_at) AS issued_at, \
       a.expires_at, \
       (SELECT MAX(CASE WHEN f.authenticator = 'fingerprint' THEN 3 \
                        WHEN f.authenticator LIKE 'custom:%' THEN 2 ELSE 1 END) \
          FROM refresh_tokens AS f WHERE f.grant_id = t.id AND f.expires_at > $1) AS protection \
     FROM grants AS t \
     LEFT JOIN access_tokens AS a \
       ON a.user_id = t.user_id AND a.client_id = t.client_id AND a.grant_id = t.id \
       AND a.client_epoch = t.client_epoch \
       AND a.resource_epoch = COALESCE((SELECT e.epoch FROM token_epochs AS e \
         WHERE e.kind = 'resource_server' AND e.name = a.resource_server), 0) \
     LEFT JOIN devices AS d ON d.id = t.client_id AND t.application_id IS NOT NULL",
    join_revocations!(),
    " WHERE",
    is_alive!(),
    " AND t.user_id = $2 \
       AND (a.expires_at > $1 OR EXISTS (SELECT 1 FROM refresh_tokens AS f \
         WHERE f.grant_id = t.id AND f.expires_at > $1)) \
     ORDER BY t.client_id, t.id, a.id LIMIT $3"
);

/// Lists what a portal shows of a user's tokens that are alive.
pub fn list_tokens_of_user(
    connection: &mut Connection,
    user: &str,
    now: i64,
    limit: i64,
) -> QueryResult<Vec<PortalTokenRow>> {
    let query = sql_query(TOKENS)
        .bind::<BigInt, _>(now)
        .bind::<Text, _>(user)
        .bind::<BigInt, _>(limit);

    match connection {
        Connection::Postgres(connection) => query.load(connection),
        Connection::Sqlite(connection) => query.load(connection),
    }
}
