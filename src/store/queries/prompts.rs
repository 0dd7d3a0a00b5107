//! Prompts: pushes that ask a user on a device.

use diesel::prelude::*;

use crate::store::connection::Connection;
use crate::store::rows::PromptRow;
use crate::store::schema::{prompts, push_enrolments};

/// Finds the prompts later than `since` that may count for the prompts in `next`: all of the same user
/// and device, perhaps others of the device. Keeps other servers from adding some until the database
/// transaction ends. (On SQLite nobody else writes meanwhile.)
pub fn lock_prompts(
    connection: &mut Connection,
    next: &[&PromptRow],
    since: i64,
) -> QueryResult<Vec<PromptRow>> {
    let later = prompts::table.filter(prompts::prompted_at.gt(since));

    match connection {
        Connection::Postgres(connection) => {
            let devices: Vec<&str> = next.iter().map(|row| row.device_id.as_str()).collect();

            // In one order on all nodes, which avoids deadlocks. The count is another statement, so
            // that it sees what was committed while this one waited.
            push_enrolments::table
                .filter(push_enrolments::device_id.eq_any(&devices))
                .order((push_enrolments::device_id, push_enrolments::user_id))
                .select(push_enrolments::device_id)
                .for_no_key_update()
                .load::<String>(connection)?;

            later
                .filter(prompts::device_id.eq_any(&devices))
                .select(PromptRow::as_select())
                .load(connection)
        }
        Connection::Sqlite(connection) => {
            let mut found = Vec::new();

            for row in next {
                let of_user = later
                    .filter(prompts::device_id.eq(&row.device_id))
                    .filter(prompts::user_id.eq(&row.user_id))
                    .select(PromptRow::as_select());
                found.extend(of_user.load(connection)?);
            }

            Ok(found)
        }
    }
}
