//! Prompts: pushes that ask a user on a device.

use diesel::prelude::*;

use crate::store::connection::Connection;
use crate::store::rows::PromptRow;
use crate::store::schema::{prompts, push_enrolments};

/// A prompt that counts: who was asked on which device, by which website, and when.
pub struct EarlierPrompt {
    pub device_id: String,
    pub user_id: String,
    pub client_id: String,
    pub prompted_at: i64,
}

/// Finds the prompts later than `since` of the users and devices of `next`, and keeps other servers
/// from adding some until the database transaction ends. (On SQLite nobody else writes meanwhile.)
pub fn lock_prompts(
    connection: &mut Connection,
    next: &[(&PromptRow, i64)],
) -> QueryResult<Vec<EarlierPrompt>> {
    let columns = (
        prompts::device_id,
        prompts::user_id,
        prompts::client_id,
        prompts::prompted_at,
    );

    let found: Vec<(String, String, String, i64)> = match connection {
        Connection::Postgres(connection) => {
            let devices: Vec<&str> = next.iter().map(|(row, _)| row.device_id.as_str()).collect();
            let since = next.iter().map(|(_, since)| *since).min().unwrap_or(0);

            // In one order on all nodes, which avoids deadlocks. The count is another statement, so that
            // it sees what was committed while this one waited.
            push_enrolments::table
                .filter(push_enrolments::device_id.eq_any(&devices))
                .order((push_enrolments::device_id, push_enrolments::user_id))
                .select(push_enrolments::device_id)
                .for_no_key_update()
                .load::<String>(connection)?;

            prompts::table
                .filter(prompts::device_id.eq_any(&devices))
                .filter(prompts::prompted_at.gt(since))
                .select(columns)
                .load(connection)?
        }
        Connection::Sqlite(connection) => {
            let mut found = Vec::new();

            for (row, since) in next {
                let of_device: Vec<_> = prompts::table
                    .filter(prompts::device_id.eq(&row.device_id))
                    .filter(prompts::user_id.eq(&row.user_id))
                    .filter(prompts::prompted_at.gt(since))
                    .select(columns)
                    .load(connection)?;
                found.extend(of_device);
            }

            found
        }
    };

    let earlier = |(device_id, user_id, client_id, prompted_at)| EarlierPrompt {
        device_id,
        user_id,
        client_id,
        prompted_at,
    };

    Ok(found.into_iter().map(earlier).collect())
}
