//! Authorization requests that clients have handed over themselves.

use diesel::prelude::*;

use crate::store::Connection;
use crate::store::rows::PushedRequestRow;
use crate::store::schema::pushed_requests;

/// Keeps a pushed request.
pub fn insert_pushed_request(
    connection: &mut Connection,
    row: &PushedRequestRow,
) -> QueryResult<()> {
    diesel::insert_into(pushed_requests::table)
        .values(row)
        .execute(connection)
        .map(drop)
}

/// Takes the request out that this client has pushed: of several who ask, one gets it.
pub fn take_pushed_request(
    connection: &mut Connection,
    request_hash: &[u8],
    client: &str,
) -> QueryResult<Option<PushedRequestRow>> {
    let same = pushed_requests::table
        .find(request_hash)
        .filter(pushed_requests::client_id.eq(client));
    let Some(row) = same
        .select(PushedRequestRow::as_select())
        .first(connection)
        .optional()?
    else {
        return Ok(None);
    };
    let taken = diesel::delete(pushed_requests::table.find(request_hash)).execute(connection)?;
    Ok((taken > 0).then_some(row))
}
