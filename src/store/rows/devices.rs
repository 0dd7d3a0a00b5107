use diesel::prelude::*;

use crate::store::schema::{authenticators, devices, enrolments, push_addresses, push_enrolments};

/// An installation of a mobile application.
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
}

/// A user on a device.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = enrolments, treat_none_as_default_value = false)]
pub struct EnrolmentRow {
    pub device_id: String,
    pub user_id: String,
    pub profile_id: String,
    /// JWK, public part only: what the server seals content to.
    pub public_key: String,
    pub created_at: i64,
}

/// A further key of a user on a device.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = authenticators, treat_none_as_default_value = false)]
pub struct AuthenticatorRow {
    pub device_id: String,
    pub user_id: String,
    pub name: String,
    pub public_key: String,
    pub created_at: i64,
    /// Wrong proofs in a row, those still being looked at included.
    pub failures: i32,
}

/// Which authenticator, of which user on which device.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AuthenticatorKey {
    pub device_id: String,
    pub user_id: String,
    pub name: String,
}

/// A try of an authenticator that is about to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthenticatorTry {
    pub device_id: String,
    pub user_id: String,
    pub name: String,
    /// Tries without a success there may be, this one included.
    pub failures_max: i32,
}

/// Where a push for an installation goes.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = push_addresses, treat_none_as_default_value = false)]
pub struct PushAddressRow {
    pub device_id: String,
    /// `apns`, `fcm`, `poll`.
    pub transport: String,
    /// Sealed; absent for `poll`.
    pub address: Option<Vec<u8>>,
    pub address_hash: Option<Vec<u8>>,
    pub registered_at: i64,
    pub dead_since: Option<i64>,
}

/// That a user of an installation is asked by push.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = push_enrolments, treat_none_as_default_value = false)]
pub struct PushEnrolmentRow {
    pub device_id: String,
    pub user_id: String,
    pub application_id: String,
    pub slot: String,
    pub created_at: i64,
}
