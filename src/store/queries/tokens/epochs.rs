use diesel::prelude::*;

use crate::store::connection::Connection;
use crate::store::schema::token_epochs;

/// The kinds of `token_epochs`.
pub mod epoch_kind {
    /// A web client.
    pub const CLIENT: &str = "client";
    /// An application, on all its devices.
    pub const APPLICATION: &str = "application";
    pub const RESOURCE_SERVER: &str = "resource_server";
}

/// Ends every token and grant of a client, of an application or for a resource server, however many
/// there are.
pub fn raise_epoch(connection: &mut Connection, kind: &str, name: &str) -> QueryResult<()> {
    let row = (
        token_epochs::kind.eq(kind),
        token_epochs::name.eq(name),
        // Without a row the epoch is 0, under which everything so far was issued.
        token_epochs::epoch.eq(1),
    );

    let insert = diesel::insert_into(token_epochs::table).values(row);
    let key = (token_epochs::kind, token_epochs::name);
    let next = token_epochs::epoch.eq(token_epochs::epoch + 1);

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
