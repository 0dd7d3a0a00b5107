//! Pushed authorization requests (RFC 9126).

use diesel::prelude::*;

use crate::store::connection::Connection;
use crate::store::rows::PushedRequestRow;
use crate::store::schema::pushed_requests;

/// Takes out the request that this client has pushed. Of several callers, one gets it.
pub fn take_pushed_request(
    connection: &mut Connection,
    request_hash: &[u8],
    client: &str,
) -> QueryResult<Option<PushedRequestRow>> {
    let found = pushed_requests::table
        .find(request_hash)
        .filter(pushed_requests::client_id.eq(client))
        .select(PushedRequestRow::as_select())
        .first(connection)
        .optional()?;

    let Some(row) = found else {
        return Ok(None);
    };

    // On PostgreSQL two callers may both have read the row; the number of deleted rows tells them
    // apart.
    let deleted = diesel::delete(pushed_requests::table.find(request_hash)).execute(connection)?;
    Ok((deleted > 0).then_some(row))
}
