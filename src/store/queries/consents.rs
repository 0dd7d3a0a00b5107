//! What users have allowed clients.

use diesel::prelude::*;

use super::unique::unless_taken;
use crate::store::connection::Connection;
use crate::store::rows::ConsentRow;
use crate::store::schema::consents;

/// Finds what a user has allowed a web client or an application.
pub fn find_consent(
    connection: &mut Connection,
    user: &str,
    client: &str,
) -> QueryResult<Option<ConsentRow>> {
    consents::table
        .filter(consents::user_id.eq(user))
        .filter(consents::client.eq(client))
        .select(ConsentRow::as_select())
        .first(connection)
        .optional()
}

/// Lists what a user has consented to, in the order of the ids, from the first after `after` on.
pub fn list_consents(
    connection: &mut Connection,
    user: &str,
    after: &[u8],
    limit: i64,
) -> QueryResult<Vec<ConsentRow>> {
    consents::table
        .filter(consents::user_id.eq(user))
        .filter(consents::id.gt(after))
        .order(consents::id)
        .limit(limit)
        .select(ConsentRow::as_select())
        .load(connection)
}

/// Saves a consent, in place of an earlier one.
pub fn replace_consent(connection: &mut Connection, row: &ConsentRow) -> QueryResult<()> {
    if update_consent(connection, row)? {
        return Ok(());
    }

    let insert = |connection: &mut Connection| {
        diesel::insert_into(consents::table)
            .values(row)
            .execute(connection)
    };

    // Somebody else may insert one meanwhile.
    if !unless_taken(connection, insert)? {
        update_consent(connection, row)?;
    }

    Ok(())
}

fn update_consent(connection: &mut Connection, row: &ConsentRow) -> QueryResult<bool> {
    let present = consents::table
        .filter(consents::user_id.eq(&row.user_id))
        .filter(consents::client.eq(&row.client));
    diesel::update(present)
        .set((
            consents::scope.eq(&row.scope),
            consents::updated_at.eq(row.updated_at),
        ))
        .execute(connection)
        .map(|count| count > 0)
}

/// Revokes a consent of a user. Returns the client it was given to; `None` when there is none.
pub fn delete_consent(
    connection: &mut Connection,
    user: &str,
    id: &[u8],
) -> QueryResult<Option<String>> {
    let consent = consents::table.find(id).filter(consents::user_id.eq(user));
    let client: Option<String> = consent
        .select(consents::client)
        .first(connection)
        .optional()?;

    if client.is_some() {
        diesel::delete(consent).execute(connection)?;
    }

    Ok(client)
}
