//! What is known of users as such.

use diesel::dsl::exists;
use diesel::prelude::*;

use crate::store::Connection;
use crate::store::schema::disabled_users;

/// Whether a user may do nothing at present.
pub fn is_user_disabled(connection: &mut Connection, user: &str) -> QueryResult<bool> {
    diesel::select(exists(disabled_users::table.find(user))).get_result(connection)
}
