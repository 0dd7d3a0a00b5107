//! What users have allowed clients.

use diesel::prelude::*;

use super::unless_taken;
use crate::store::Connection;
use crate::store::rows::ConsentRow;
use crate::store::schema::consents;

/// What a user has allowed a web client or an application.
pub fn find_consent(
    connection: &mut Connection,
    user: &str,
    client: &str,
) -> QueryResult<Option<ConsentRow>> {
    consents::table
        .filter(consents::user_id.eq(user).and(consents::client.eq(client)))
        .select(ConsentRow::as_select())
        .first(connection)
        .optional()
}

/// Keeps a consent, in place of the one there may be.
pub fn replace_consent(connection: &mut Connection, row: &ConsentRow) -> QueryResult<()> {
    if update_consent(connection, row)? {
        return Ok(());
    }
    let insert = |connection: &mut Connection| {
        diesel::insert_into(consents::table)
            .values(row)
            .execute(connection)
    };
    if !unless_taken(connection, insert)? {
        update_consent(connection, row)?;
    }
    Ok(())
}

fn update_consent(connection: &mut Connection, row: &ConsentRow) -> QueryResult<bool> {
    let same = consents::user_id
        .eq(&row.user_id)
        .and(consents::client.eq(&row.client));
    diesel::update(consents::table.filter(same))
        .set((
            consents::scope.eq(&row.scope),
            consents::updated_at.eq(row.updated_at),
        ))
        .execute(connection)
        .map(|count| count > 0)
}
