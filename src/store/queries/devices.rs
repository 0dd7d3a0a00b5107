//! Devices, the users on them, their keys, and where pushes go.
//!
//! Functions that insert what must be unique return `false` where it is taken.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};

use super::unique::unless_taken;
use crate::store::connection::Connection;
use crate::store::keyed::{Lookup, look_up};
use crate::store::rows::{
    AuthenticatorRow, DeviceRow, EnrolmentRow, PushAddressRow, PushEnrolmentRow, PushTargetRow,
};
use crate::store::schema::{authenticators, devices, enrolments, push_addresses, push_enrolments};

/// Adds a device.
pub fn insert_device(connection: &mut Connection, row: &DeviceRow) -> QueryResult<()> {
    diesel::insert_into(devices::table)
        .values(row)
        .execute(connection)
        .map(drop)
}

/// Finds a device.
pub fn find_device(connection: &mut Connection, id: &str) -> QueryResult<Option<DeviceRow>> {
    devices::table
        .find(id)
        .select(DeviceRow::as_select())
        .first(connection)
        .optional()
}

/// Finds the devices of these ids.
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

/// Changes what a device may change about itself: not its key, application or platform. `false`
/// when there is no such device.
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

/// Removes a device with its enrolments, keys and push address; `false` when there is none.
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

/// Finds a user on a device.
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

/// Finds a user on a device, by profile.
pub fn find_enrolment_by_profile(
    connection: &mut Connection,
    device: &str,
    profile: &str,
) -> QueryResult<Option<EnrolmentRow>> {
    enrolments::table
        .filter(enrolments::device_id.eq(device))
        .filter(enrolments::profile_id.eq(profile))
        .select(EnrolmentRow::as_select())
        .first(connection)
        .optional()
}

/// Removes a user from a device, with the authenticators and the push enrolment; `false` when the
/// user is not enrolled.
pub fn delete_enrolment(
    connection: &mut Connection,
    device: &str,
    user: &str,
) -> QueryResult<bool> {
    diesel::delete(enrolments::table.find((device, user)))
        .execute(connection)
        .map(|count| count > 0)
}

/// Sets the key of an authenticator. Failures that are counted against an earlier key stay.
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

/// Replaces the key `present` of an authenticator, and its failures; `false` when that key is not
/// there.
pub fn change_authenticator(
    connection: &mut Connection,
    row: &AuthenticatorRow,
    present: &str,
) -> QueryResult<bool> {
    let unchanged = authenticators::table
        .find((&row.device_id, &row.user_id, &row.name))
        .filter(authenticators::public_key.eq(present));
    diesel::update(unchanged)
        .set((
            authenticators::public_key.eq(&row.public_key),
            authenticators::created_at.eq(row.created_at),
            authenticators::failures.eq(row.failures),
        ))
        .execute(connection)
        .map(|count| count > 0)
}

/// Finds an authenticator of a user on a device.
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

/// Lists the names of a user's authenticators on a device, in order.
pub fn list_authenticator_names(
    connection: &mut Connection,
    device: &str,
    user: &str,
    limit: i64,
) -> QueryResult<Vec<String>> {
    authenticators::table
        .filter(authenticators::device_id.eq(device))
        .filter(authenticators::user_id.eq(user))
        .order(authenticators::name)
        .limit(limit)
        .select(authenticators::name)
        .load(connection)
}

/// Removes an authenticator; `false` when there is none.
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

/// Finds where pushes to a device go.
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

/// Sets where pushes to a device go; `false` when another device has this address.
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

/// Removes a device's address if none of its users is enrolled for push any more.
pub fn delete_unused_push_address(connection: &mut Connection, device: &str) -> QueryResult<()> {
    let users: i64 = push_enrolments::table
        .filter(push_enrolments::device_id.eq(device))
        .count()
        .get_result(connection)?;
    // The address is the device's: its other users are still asked there.
    if users == 0 {
        diesel::delete(push_addresses::table.find(device)).execute(connection)?;
    }

    Ok(())
}

/// Marks an address as dead; `false` when it was registered at `since` or later, or is dead
/// already.
pub fn mark_push_address_dead(
    connection: &mut Connection,
    device: &str,
    since: i64,
    now: i64,
) -> QueryResult<bool> {
    let address = push_addresses::table
        .find(device)
        // The report is about the address of that time, which may have been replaced since.
        .filter(push_addresses::registered_at.lt(since))
        .filter(push_addresses::dead_since.is_null());
    diesel::update(address)
        .set(push_addresses::dead_since.eq(now))
        .execute(connection)
        .map(|count| count > 0)
}

/// Enrols a user for push on a device; `false` when another device has the user's slot.
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

/// Finds a user's push enrolment on a device.
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

/// Ends a user's push enrolment on a device; `false` when there is none.
pub fn delete_push_enrolment(
    connection: &mut Connection,
    device: &str,
    user: &str,
) -> QueryResult<bool> {
    diesel::delete(push_enrolments::table.find((device, user)))
        .execute(connection)
        .map(|count| count > 0)
}

/// The most devices of a user in one list: far more than anybody has.
pub const PUSH_TARGETS_MAX: usize = 100;

struct PushTargets;

impl Lookup for PushTargets {
    type Id = String;
    type Columns = (
        Text,
        Text,
        Text,
        Text,
        Text,
        Text,
        Text,
        Text,
        Nullable<Binary>,
        BigInt,
    );

    const SELECT: &'static [(&'static str, &'static [&'static str])] = &[
        (
            "d",
            &[
                "id",
                "name",
                "platform",
                "application_id",
                "application_version",
            ],
        ),
        ("e", &["user_id", "profile_id"]),
        ("a", &["transport", "address", "registered_at"]),
    ];

    const JOINS: &'static str = " CROSS JOIN LATERAL (SELECT * FROM push_enrolments AS o \
         WHERE o.user_id = k.id ORDER BY o.created_at, o.device_id LIMIT 100) AS p \
         JOIN enrolments AS e ON e.device_id = p.device_id AND e.user_id = p.user_id \
         JOIN devices AS d ON d.id = p.device_id \
         JOIN push_addresses AS a ON a.device_id = p.device_id AND a.dead_since IS NULL \
         ORDER BY p.created_at, p.device_id";

    const SQLITE_JOINS: &'static str = " JOIN push_enrolments AS p ON p.user_id = k.id \
         JOIN enrolments AS e ON e.device_id = p.device_id AND e.user_id = p.user_id \
         JOIN devices AS d ON d.id = p.device_id \
         JOIN push_addresses AS a ON a.device_id = p.device_id AND a.dead_since IS NULL \
         ORDER BY p.created_at, p.device_id LIMIT 100";
}

/// Finds the devices on which these users can be prompted by push, the oldest push enrolment first,
/// at most [`PUSH_TARGETS_MAX`] of each. Those whose address is dead are left out.
pub fn find_push_targets(
    connection: &mut Connection,
    users: &[String],
) -> QueryResult<Vec<(String, Vec<PushTargetRow>)>> {
    let found: Vec<PushTargetRow> = look_up::<PushTargets, _>(connection, users)?;

    let mut by_user = HashMap::<String, Vec<PushTargetRow>>::new();
    for row in found {
        by_user.entry(row.user_id.clone()).or_default().push(row);
    }

    Ok(by_user.into_iter().collect())
}
