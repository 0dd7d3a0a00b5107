//! Installations, the users on them, their keys and where their pushes go.
//!
//! Functions that insert what must be unique answer `false` where it was taken.

use diesel::prelude::*;

use super::unless_taken;
use crate::store::Connection;
use crate::store::rows::{
    AuthenticatorRow, DeviceRow, EnrolmentRow, PushAddressRow, PushEnrolmentRow,
};
use crate::store::schema::{authenticators, devices, enrolments, push_addresses, push_enrolments};

/// Adds an installation.
pub fn insert_device(connection: &mut Connection, row: &DeviceRow) -> QueryResult<()> {
    diesel::insert_into(devices::table)
        .values(row)
        .execute(connection)
        .map(drop)
}

pub fn find_device(connection: &mut Connection, id: &str) -> QueryResult<Option<DeviceRow>> {
    devices::table
        .find(id)
        .select(DeviceRow::as_select())
        .first(connection)
        .optional()
}

/// The installations of these ids.
pub fn find_devices(
    connection: &mut Connection,
    ids: &[String],
) -> QueryResult<Vec<(String, DeviceRow)>> {
    let rows: Vec<DeviceRow> = match connection {
        Connection::Postgres(connection) => devices::table
            .filter(devices::id.eq_any(ids))
            .select(DeviceRow::as_select())
            .load(connection)?,
        Connection::Sqlite(connection) => {
            let find = |id| {
                devices::table
                    .find(id)
                    .select(DeviceRow::as_select())
                    .first(connection)
                    .optional()
            };
            ids.iter()
                .map(find)
                .filter_map(QueryResult::transpose)
                .collect::<QueryResult<_>>()?
        }
    };
    Ok(rows.into_iter().map(|row| (row.id.clone(), row)).collect())
}

/// Changes what an installation may tell anew about itself; its key, application and platform stay.
pub fn update_device(connection: &mut Connection, row: &DeviceRow) -> QueryResult<bool> {
    diesel::update(devices::table.find(&row.id))
        .set((
            devices::application_version.eq(&row.application_version),
            devices::name.eq(&row.name),
            devices::model.eq(row.model.as_deref()),
            devices::os_version.eq(row.os_version.as_deref()),
            devices::updated_at.eq(row.updated_at),
        ))
        .execute(connection)
        .map(|count| count > 0)
}

/// Removes an installation with its enrolments, keys and push address.
pub fn delete_device(connection: &mut Connection, id: &str) -> QueryResult<bool> {
    diesel::delete(devices::table.find(id))
        .execute(connection)
        .map(|count| count > 0)
}

/// Enrols a user; `false` when the user is enrolled on the device, or the profile id is taken.
pub fn insert_enrolment(connection: &mut Connection, row: &EnrolmentRow) -> QueryResult<bool> {
    unless_taken(connection, |connection| {
        diesel::insert_into(enrolments::table)
            .values(row)
            .execute(connection)
    })
}

/// A user on a device.
pub fn find_enrolment(
    connection: &mut Connection,
    device: &str,
    user: &str,
) -> QueryResult<Option<EnrolmentRow>> {
    enrolments::table
        .find((device, user))
        .select(EnrolmentRow::as_select())
        .first(connection)
        .optional()
}

/// A user on a device, by profile.
pub fn find_enrolment_by_profile(
    connection: &mut Connection,
    device: &str,
    profile: &str,
) -> QueryResult<Option<EnrolmentRow>> {
    enrolments::table
        .filter(
            enrolments::device_id
                .eq(device)
                .and(enrolments::profile_id.eq(profile)),
        )
        .select(EnrolmentRow::as_select())
        .first(connection)
        .optional()
}

/// Removes a user from a device, with the authenticators and the push enrolment.
pub fn delete_enrolment(
    connection: &mut Connection,
    device: &str,
    user: &str,
) -> QueryResult<bool> {
    diesel::delete(enrolments::table.find((device, user)))
        .execute(connection)
        .map(|count| count > 0)
}

/// Sets a further key. In place of another it has that one's failures.
pub fn set_authenticator(connection: &mut Connection, row: &AuthenticatorRow) -> QueryResult<()> {
    let id = (
        authenticators::device_id,
        authenticators::user_id,
        authenticators::name,
    );
    let key = (
        authenticators::public_key.eq(&row.public_key),
        authenticators::created_at.eq(row.created_at),
    );
    let insert = diesel::insert_into(authenticators::table).values(row);
    match connection {
        Connection::Postgres(connection) => insert
            .on_conflict(id)
            .do_update()
            .set(key)
            .execute(connection),
        Connection::Sqlite(connection) => insert
            .on_conflict(id)
            .do_update()
            .set(key)
            .execute(connection),
    }
    .map(drop)
}

/// Puts a further key, with its failures, in the place of the one that is `present`; `false` when
/// that one is not there.
pub fn change_authenticator(
    connection: &mut Connection,
    row: &AuthenticatorRow,
    present: &str,
) -> QueryResult<bool> {
    let there = authenticators::table.find((&row.device_id, &row.user_id, &row.name));
    diesel::update(there.filter(authenticators::public_key.eq(present)))
        .set((
            authenticators::public_key.eq(&row.public_key),
            authenticators::created_at.eq(row.created_at),
            authenticators::failures.eq(row.failures),
        ))
        .execute(connection)
        .map(|count| count > 0)
}

/// A further key of a user on a device.
pub fn find_authenticator(
    connection: &mut Connection,
    device: &str,
    user: &str,
    name: &str,
) -> QueryResult<Option<AuthenticatorRow>> {
    authenticators::table
        .find((device, user, name))
        .select(AuthenticatorRow::as_select())
        .first(connection)
        .optional()
}

/// The names of a user's further keys on a device, in order.
pub fn list_authenticator_names(
    connection: &mut Connection,
    device: &str,
    user: &str,
    limit: i64,
) -> QueryResult<Vec<String>> {
    authenticators::table
        .filter(
            authenticators::device_id
                .eq(device)
                .and(authenticators::user_id.eq(user)),
        )
        .order(authenticators::name)
        .limit(limit)
        .select(authenticators::name)
        .load(connection)
}

/// Removes a further key.
pub fn delete_authenticator(
    connection: &mut Connection,
    device: &str,
    user: &str,
    name: &str,
) -> QueryResult<bool> {
    diesel::delete(authenticators::table.find((device, user, name)))
        .execute(connection)
        .map(|count| count > 0)
}

/// Where pushes for an installation go.
pub fn find_push_address(
    connection: &mut Connection,
    device: &str,
) -> QueryResult<Option<PushAddressRow>> {
    push_addresses::table
        .find(device)
        .select(PushAddressRow::as_select())
        .first(connection)
        .optional()
}

/// Sets where pushes for an installation go; `false` when another installation has this address.
pub fn replace_push_address(
    connection: &mut Connection,
    row: &PushAddressRow,
) -> QueryResult<bool> {
    unless_taken(connection, |connection| {
        let updated = diesel::update(push_addresses::table.find(&row.device_id))
            .set((
                push_addresses::transport.eq(&row.transport),
                push_addresses::address.eq(row.address.as_deref()),
                push_addresses::address_hash.eq(row.address_hash.as_deref()),
                push_addresses::registered_at.eq(row.registered_at),
                push_addresses::dead_since.eq(row.dead_since),
            ))
            .execute(connection)?;
        if updated > 0 {
            return Ok(updated);
        }
        diesel::insert_into(push_addresses::table)
            .values(row)
            .execute(connection)
    })
}

/// Forgets an installation's address when none of its users is asked by push any more.
pub fn delete_unused_push_address(connection: &mut Connection, device: &str) -> QueryResult<()> {
    let in_use = push_enrolments::table
        .filter(push_enrolments::device_id.eq(device))
        .count();
    if in_use.get_result::<i64>(connection)? == 0 {
        diesel::delete(push_addresses::table.find(device)).execute(connection)?;
    }
    Ok(())
}

/// Notes that an address is gone; `false` when it was registered at `since` or later, or is known
/// to be dead.
pub fn mark_push_address_dead(
    connection: &mut Connection,
    device: &str,
    since: i64,
    now: i64,
) -> QueryResult<bool> {
    let gone = push_addresses::table
        .filter(push_addresses::device_id.eq(device))
        .filter(
            push_addresses::registered_at
                .lt(since)
                .and(push_addresses::dead_since.is_null()),
        );
    diesel::update(gone)
        .set(push_addresses::dead_since.eq(now))
        .execute(connection)
        .map(|count| count > 0)
}

/// Has a user asked by push on a device; `false` when the user's slot is taken by another device.
pub fn insert_push_enrolment(
    connection: &mut Connection,
    row: &PushEnrolmentRow,
) -> QueryResult<bool> {
    unless_taken(connection, |connection| {
        diesel::insert_into(push_enrolments::table)
            .values(row)
            .execute(connection)
    })
}

/// Whether a user is asked by push on a device.
pub fn find_push_enrolment(
    connection: &mut Connection,
    device: &str,
    user: &str,
) -> QueryResult<Option<PushEnrolmentRow>> {
    push_enrolments::table
        .find((device, user))
        .select(PushEnrolmentRow::as_select())
        .first(connection)
        .optional()
}

/// Has a user asked no more by push on a device.
pub fn delete_push_enrolment(
    connection: &mut Connection,
    device: &str,
    user: &str,
) -> QueryResult<bool> {
    diesel::delete(push_enrolments::table.find((device, user)))
        .execute(connection)
        .map(|count| count > 0)
}

/// The devices a user is asked on by push, the oldest enrolment first, without those whose address
/// is dead.
pub fn list_push_targets(
    connection: &mut Connection,
    user: &str,
    limit: i64,
) -> QueryResult<Vec<(DeviceRow, EnrolmentRow, PushAddressRow)>> {
    let enrolment = enrolments::device_id
        .eq(push_enrolments::device_id)
        .and(enrolments::user_id.eq(push_enrolments::user_id));
    push_enrolments::table
        .inner_join(enrolments::table.on(enrolment))
        .inner_join(devices::table.on(devices::id.eq(push_enrolments::device_id)))
        .inner_join(
            push_addresses::table.on(push_addresses::device_id.eq(push_enrolments::device_id)),
        )
        .filter(
            push_enrolments::user_id
                .eq(user)
                .and(push_addresses::dead_since.is_null()),
        )
        .order((push_enrolments::created_at, push_enrolments::device_id))
        .limit(limit)
        .select((
            DeviceRow::as_select(),
            EnrolmentRow::as_select(),
            PushAddressRow::as_select(),
        ))
        .load(connection)
}
