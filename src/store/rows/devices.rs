use diesel::prelude::*;

use crate::store::schema::{authenticators, devices, enrolments, push_addresses, push_enrolments};

/// A device: a phone with the mobile application.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = devices, treat_none_as_default_value = false)]
pub struct DeviceRow {
    pub id: String,
    pub application_id: String,
    pub application_version: String,
    pub platform: String,
    pub name: String,
    pub model: Option<String>,
    pub os_version: Option<String>,
    /// JWK, public part only.
    pub public_key: String,
    pub registration_token_hash: Vec<u8>,
    pub created_at: i64,
    pub updated_at: i64,
    /// None once a user has logged in on it.
    pub unused_since: Option<i64>,
}

/// A user on a device.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = enrolments, treat_none_as_default_value = false)]
pub struct EnrolmentRow {
    pub device_id: String,
    pub user_id: String,
    pub profile_id: String,
    /// JWK, public part only. Content for the user is sealed to it.
    pub public_key: String,
    pub created_at: i64,
}

/// An authenticator: a further key of a user on a device.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = authenticators, treat_none_as_default_value = false)]
pub struct AuthenticatorRow {
    pub device_id: String,
    pub user_id: String,
    pub name: String,
    pub public_key: String,
    pub created_at: i64,
    /// Attempts in a row without a success, including those still being checked.
    pub failures: i32,
}

/// Where pushes to a device go.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = push_addresses, treat_none_as_default_value = false)]
pub struct PushAddressRow {
    pub device_id: String,
    /// `apns`, `fcm`, `poll`.
    pub transport: String,
    /// Sealed. None for `poll`.
    pub address: Option<Vec<u8>>,
    pub address_hash: Option<Vec<u8>>,
    pub registered_at: i64,
    pub dead_since: Option<i64>,
}

/// A device on which a user can be prompted by push, and where its pushes go.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct PushTargetRow {
    pub device_id: String,
    pub device_name: String,
    pub platform: String,
    pub application_id: String,
    pub application_version: String,
    pub user_id: String,
    pub profile_id: String,
    /// As in [`PushAddressRow`], like what follows.
    pub transport: String,
    pub address: Option<Vec<u8>>,
    pub registered_at: i64,
}

/// A user who is prompted by push on a device.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = push_enrolments, treat_none_as_default_value = false)]
pub struct PushEnrolmentRow {
    pub device_id: String,
    pub user_id: String,
    pub application_id: String,
    pub slot: String,
    pub created_at: i64,
}
