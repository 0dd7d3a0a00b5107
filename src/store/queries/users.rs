//! Users, of whom the server keeps no directory: who may do nothing, what each has, and how all of
//! it ends or moves.

use diesel::dsl::exists;
use diesel::prelude::*;

use crate::store::Connection;
use crate::store::queries::{authorizations, devices, tokens};
use crate::store::rows::{AuthenticatorRow, ConsentRow, EnrolmentRow, PushEnrolmentRow};
use crate::store::schema::{
    authenticators, consents, device_codes, disabled_users, enrolments, grants, login_sessions,
    push_enrolments,
};

/// Those of these users who are disabled.
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
            };
            users
                .iter()
                .map(find)
                .map(OptionalExtension::optional)
                .filter_map(QueryResult::transpose)
                .collect::<Result<_, _>>()?
        }
    };
    Ok(disabled.into_iter().map(|user| (user, ())).collect())
}

/// Whether a user may do nothing at present.
pub fn is_user_disabled(connection: &mut Connection, user: &str) -> QueryResult<bool> {
    diesel::select(exists(disabled_users::table.find(user))).get_result(connection)
}

/// Disables a user; `false` when that was so already.
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

/// Enables a user; `false` when that was so already.
pub fn delete_disabled_user(connection: &mut Connection, user: &str) -> QueryResult<bool> {
    diesel::delete(disabled_users::table.find(user))
        .execute(connection)
        .map(|count| count > 0)
}

/// Ends everything a user is logged in with, on whatever client: what is on its way first, so that
/// a code that is being exchanged at this moment has become a grant when those are deleted. Tells
/// how many grants ended.
pub fn end_logins(connection: &mut Connection, user: &str) -> QueryResult<usize> {
    authorizations::delete_authorizations_of_user(connection, user)?;
    diesel::delete(device_codes::table.filter(device_codes::user_id.eq(user)))
        .execute(connection)?;
    diesel::delete(login_sessions::table.filter(login_sessions::user_id.eq(user)))
        .execute(connection)?;
    tokens::delete_grants_of_user(connection, user)
}

/// Whether a user has, or is, anything: what is enrolled, logged in, consented to or disabled.
pub fn is_known(connection: &mut Connection, user: &str) -> QueryResult<bool> {
    macro_rules! has {
        ($table:ident) => {
            diesel::select(exists($table::table.filter($table::user_id.eq(user))))
                .get_result::<bool>(connection)?
        };
    }
    Ok(has!(enrolments)
        || has!(grants)
        || has!(consents)
        || has!(login_sessions)
        || has!(disabled_users))
}

/// Moves what a user has enrolled, and what was consented to, to another id that has none of it. A
/// user who is disabled stays so. Tells how many devices moved; of more than `limit` it is `None`,
/// and nothing may be kept of what was written.
pub fn rename_user(
    connection: &mut Connection,
    user: &str,
    new: &str,
    limit: i64,
) -> QueryResult<Option<usize>> {
    let enrolled: Vec<EnrolmentRow> = enrolments::table
        .filter(enrolments::user_id.eq(user))
        .order(enrolments::device_id)
        .limit(limit.saturating_add(1))
        .select(EnrolmentRow::as_select())
        .load(connection)?;
    if i64::try_from(enrolled.len()).unwrap_or(i64::MAX) > limit {
        return Ok(None);
    }
    for row in &enrolled {
        move_enrolment(connection, row, new)?;
    }
    let theirs = consents::table.filter(consents::user_id.eq(user));
    diesel::update(theirs)
        .set(consents::user_id.eq(new))
        .execute(connection)?;
    diesel::update(disabled_users::table.find(user))
        .set(disabled_users::user_id.eq(new))
        .execute(connection)?;
    Ok(Some(enrolled.len()))
}

/// What hangs on an enrolment goes with its row, so it is made anew beneath the new one.
fn move_enrolment(connection: &mut Connection, row: &EnrolmentRow, new: &str) -> QueryResult<()> {
    let (device, user) = (row.device_id.as_str(), row.user_id.as_str());
    let keys: Vec<AuthenticatorRow> = authenticators::table
        .filter(
            authenticators::device_id
                .eq(device)
                .and(authenticators::user_id.eq(user)),
        )
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

/// Gives a consent.
pub fn insert_consent(connection: &mut Connection, row: &ConsentRow) -> QueryResult<()> {
    diesel::insert_into(consents::table)
        .values(row)
        .execute(connection)
        .map(drop)
}

/// What a user has consented to, from the first after `after` on.
pub fn list_consents(
    connection: &mut Connection,
    user: &str,
    after: &[u8],
    limit: i64,
) -> QueryResult<Vec<ConsentRow>> {
    consents::table
        .filter(consents::user_id.eq(user).and(consents::id.gt(after)))
        .order(consents::id)
        .limit(limit)
        .select(ConsentRow::as_select())
        .load(connection)
}

/// Takes a consent of a user back; whom it was given, if it was there.
pub fn delete_consent(
    connection: &mut Connection,
    user: &str,
    id: &[u8],
) -> QueryResult<Option<String>> {
    let theirs = consents::table.find(id).filter(consents::user_id.eq(user));
    let party: Option<String> = theirs
        .select(consents::client)
        .first(connection)
        .optional()?;
    if party.is_some() {
        diesel::delete(theirs).execute(connection)?;
    }
    Ok(party)
}

/// The users on a device, in order: enrolled or logged in.
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
    users.truncate(usize::try_from(limit).unwrap_or(0));
    Ok(users)
}
