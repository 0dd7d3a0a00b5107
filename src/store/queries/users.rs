//! Users. The server has no directory of them: here is who is disabled, what each user has, and how
//! all of it ends or is renamed.

use diesel::dsl::exists;
use diesel::prelude::*;

use super::{authorizations, device_codes, devices, login_sessions, tokens};
use crate::store::connection::Connection;
use crate::store::rows::{AuthenticatorRow, EnrolmentRow, PushEnrolmentRow};
use crate::store::schema::{
    authenticators, consents, disabled_users, enrolments, grants, login_sessions as sessions,
    push_enrolments,
};

/// Finds those of these users who are disabled.
pub fn find_disabled_users(
    connection: &mut Connection,
    users: &[String],
) -> QueryResult<Vec<(String, ())>> {
    let disabled: Vec<String> = match connection {
        Connection::Postgres(connection) => disabled_users::table
            .filter(disabled_users::user_id.eq_any(users))
            .select(disabled_users::user_id)
            .load(connection)?,
        Connection::Sqlite(connection) => {
            let find = |user| {
                disabled_users::table
                    .find(user)
                    .select(disabled_users::user_id)
                    .first(connection)
                    .optional()
            };

            users
                .iter()
                .map(find)
                .filter_map(QueryResult::transpose)
                .collect::<QueryResult<_>>()?
        }
    };

    Ok(disabled.into_iter().map(|user| (user, ())).collect())
}

/// Whether a user is disabled.
pub fn is_user_disabled(connection: &mut Connection, user: &str) -> QueryResult<bool> {
    diesel::select(exists(disabled_users::table.find(user))).get_result(connection)
}

/// Disables a user; `false` when the user is disabled already.
pub fn insert_disabled_user(
    connection: &mut Connection,
    user: &str,
    now: i64,
) -> QueryResult<bool> {
    let row = (
        disabled_users::user_id.eq(user),
        disabled_users::disabled_at.eq(now),
    );
    let insert = diesel::insert_into(disabled_users::table).values(row);

    let inserted = match connection {
        Connection::Postgres(connection) => insert.on_conflict_do_nothing().execute(connection)?,
        Connection::Sqlite(connection) => insert.on_conflict_do_nothing().execute(connection)?,
    };
    Ok(inserted > 0)
}

/// Enables a user; `false` when the user is enabled already.
pub fn delete_disabled_user(connection: &mut Connection, user: &str) -> QueryResult<bool> {
    diesel::delete(disabled_users::table.find(user))
        .execute(connection)
        .map(|count| count > 0)
}

/// Ends everything a user is logged in with, on all clients; returns how many grants ended.
pub fn end_logins(connection: &mut Connection, user: &str) -> QueryResult<usize> {
    // Authorizations come first: a code that is being exchanged at this moment has become a grant
    // by the time grants are deleted.
    authorizations::delete_authorizations_of_user(connection, user)?;
    device_codes::delete_device_codes_of_user(connection, user)?;
    login_sessions::delete_login_sessions_of_user(connection, user)?;

    tokens::delete_grants_of_user(connection, user)
}

/// Whether there is anything of a user: an enrolment, a login, a consent, or that the user is
/// disabled.
pub fn is_known(connection: &mut Connection, user: &str) -> QueryResult<bool> {
    macro_rules! has {
        ($table:ident) => {
            diesel::select(exists($table::table.filter($table::user_id.eq(user))))
                .get_result::<bool>(connection)?
        };
    }

    Ok(
        has!(enrolments)
            || has!(grants)
            || has!(consents)
            || has!(sessions)
            || has!(disabled_users),
    )
}

/// Moves a user's enrolments, consents and whether the user is disabled to another id, which must
/// have none of these. Returns how many devices moved. `None` when they are more than `limit`: then
/// the transaction must be rolled back.
pub fn rename_user(
    connection: &mut Connection,
    user: &str,
    new: &str,
    limit: i64,
) -> QueryResult<Option<usize>> {
    let enrolled: Vec<EnrolmentRow> = enrolments::table
        .filter(enrolments::user_id.eq(user))
        .order(enrolments::device_id)
        // One more tells that there are too many.
        .limit(limit.saturating_add(1))
        .select(EnrolmentRow::as_select())
        .load(connection)?;

    if i64::try_from(enrolled.len()).unwrap_or(i64::MAX) > limit {
        return Ok(None);
    }

    for row in &enrolled {
        move_enrolment(connection, row, new)?;
    }

    diesel::update(consents::table.filter(consents::user_id.eq(user)))
        .set(consents::user_id.eq(new))
        .execute(connection)?;

    diesel::update(disabled_users::table.find(user))
        .set(disabled_users::user_id.eq(new))
        .execute(connection)?;

    Ok(Some(enrolled.len()))
}

/// Moves an enrolment to another user id. The rows that depend on it are deleted with it, so they
/// are read first and inserted again.
fn move_enrolment(connection: &mut Connection, row: &EnrolmentRow, new: &str) -> QueryResult<()> {
    let (device, user) = (row.device_id.as_str(), row.user_id.as_str());
    let keys: Vec<AuthenticatorRow> = authenticators::table
        .filter(authenticators::device_id.eq(device))
        .filter(authenticators::user_id.eq(user))
        .select(AuthenticatorRow::as_select())
        .load(connection)?;

    let push = devices::find_push_enrolment(connection, device, user)?;
    devices::delete_enrolment(connection, device, user)?;

    let moved = EnrolmentRow {
        user_id: new.to_owned(),
        ..row.clone()
    };
    diesel::insert_into(enrolments::table)
        .values(&moved)
        .execute(connection)?;

    for key in keys {
        let moved = AuthenticatorRow {
            user_id: new.to_owned(),
            ..key
        };
        diesel::insert_into(authenticators::table)
            .values(&moved)
            .execute(connection)?;
    }

    if let Some(push) = push {
        let moved = PushEnrolmentRow {
            user_id: new.to_owned(),
            ..push
        };
        diesel::insert_into(push_enrolments::table)
            .values(&moved)
            .execute(connection)?;
    }

    Ok(())
}

/// Lists the users of a device, enrolled or logged in, in order.
pub fn list_users_of_device(
    connection: &mut Connection,
    device: &str,
    limit: i64,
) -> QueryResult<Vec<String>> {
    let enrolled: Vec<String> = enrolments::table
        .filter(enrolments::device_id.eq(device))
        .order(enrolments::user_id)
        .limit(limit)
        .select(enrolments::user_id)
        .load(connection)?;

    let logged_in: Vec<String> = grants::table
        .filter(grants::client_id.eq(device))
        .order(grants::user_id)
        .limit(limit)
        .select(grants::user_id)
        .distinct()
        .load(connection)?;

    let mut users = [enrolled, logged_in].concat();
    users.sort();
    users.dedup();
    // Each of the two lists may have been full.
    users.truncate(usize::try_from(limit).unwrap_or(0));

    Ok(users)
}
