use diesel::prelude::*;

use super::IdBytes;
use crate::store::schema::{
    authorizations, consents, device_codes, login_sessions, pushed_requests,
};

/// An authorization request on its way from the client to a code.
#[derive(Clone, Debug, Default, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = authorizations, treat_none_as_default_value = false)]
pub struct AuthorizationRow {
    pub id: IdBytes,
    /// Of the challenge that is waited for: the login page's, then the consent page's.
    pub challenge_hash: Vec<u8>,
    pub code_hash: Option<Vec<u8>>,
    pub client_id: String,
    /// None where a device waits for the answer, not a redirect address.
    pub redirect_uri: Option<String>,
    pub scope: String,
    pub resource_server: Option<String>,
    pub state: Option<String>,
    pub nonce: Option<String>,
    pub code_challenge: Option<String>,
    /// The key the code is bound to (RFC 9449 §10).
    pub jkt: Option<String>,
    /// What the client would have the login page know: JSON.
    pub hints: Option<String>,
    /// The device that waits (RFC 8628).
    pub device_code_id: Option<IdBytes>,
    pub status: i16,
    pub user_id: Option<String>,
    pub amr: Option<String>,
    pub acr: Option<String>,
    pub auth_time: Option<i64>,
    /// The grant made of the code: revoked when the code comes a second time.
    pub grant_id: Option<IdBytes>,
    pub created_at: i64,
    pub expires_at: i64,
}

/// A step of an authorization, refused unless the row still has `expected_status`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationStep {
    pub id: IdBytes,
    pub expected_status: i16,
    pub status: i16,
    pub challenge_hash: Vec<u8>,
    pub code_hash: Option<Vec<u8>>,
    pub scope: String,
    pub user_id: Option<String>,
    pub amr: Option<String>,
    pub acr: Option<String>,
    pub auth_time: Option<i64>,
    pub expires_at: i64,
}

impl AuthorizationStep {
    /// From a row of this status to what the row is now.
    #[must_use]
    pub fn new(expected_status: i16, row: AuthorizationRow) -> Self {
        Self {
            id: row.id,
            expected_status,
            status: row.status,
            challenge_hash: row.challenge_hash,
            code_hash: row.code_hash,
            scope: row.scope,
            user_id: row.user_id,
            amr: row.amr,
            acr: row.acr,
            auth_time: row.auth_time,
            expires_at: row.expires_at,
        }
    }
}

/// That a code is exchanged for a grant, refused unless the row still has `expected_status`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeRedemption {
    pub id: IdBytes,
    pub expected_status: i16,
    pub status: i16,
    /// What it became; none for a code that was burnt.
    pub grant_id: Option<IdBytes>,
}

/// A request that the client handed over itself (RFC 9126).
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = pushed_requests, treat_none_as_default_value = false)]
pub struct PushedRequestRow {
    pub request_hash: Vec<u8>,
    pub client_id: String,
    /// JSON.
    pub parameters: String,
    pub expires_at: i64,
}

/// A device that waits for its user (RFC 8628).
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = device_codes, treat_none_as_default_value = false)]
pub struct DeviceCodeRow {
    pub id: IdBytes,
    pub device_code_hash: Vec<u8>,
    pub user_code_hash: Vec<u8>,
    pub client_id: String,
    pub scope: String,
    pub resource_server: Option<String>,
    pub status: i16,
    pub user_id: Option<String>,
    pub amr: Option<String>,
    pub acr: Option<String>,
    pub auth_time: Option<i64>,
    /// How long the device has to wait between two questions.
    pub interval_seconds: i32,
    pub polled_at: Option<i64>,
    pub created_at: i64,
    pub expires_at: i64,
}

/// A poll of an appliance, refused unless the row still has `expected_polled_at`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DevicePoll {
    pub id: IdBytes,
    pub expected_polled_at: Option<i64>,
    pub polled_at: i64,
    pub interval_seconds: i32,
}

/// What a device's user has decided, refused unless the row still has `expected_status`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceCodeAnswer {
    pub id: IdBytes,
    pub expected_status: i16,
    pub status: i16,
    pub scope: String,
    pub user_id: Option<String>,
    pub amr: Option<String>,
    pub acr: Option<String>,
    pub auth_time: Option<i64>,
}

/// What a user has allowed a client.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = consents, treat_none_as_default_value = false)]
pub struct ConsentRow {
    pub id: IdBytes,
    pub user_id: String,
    /// A web client, or an application on all devices of the user.
    pub client: String,
    pub scope: String,
    pub created_at: i64,
    pub updated_at: i64,
}

/// A login that a browser remembers.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = login_sessions, treat_none_as_default_value = false)]
pub struct LoginSessionRow {
    pub id: IdBytes,
    pub session_hash: Vec<u8>,
    pub user_id: String,
    pub amr: Option<String>,
    pub acr: Option<String>,
    pub auth_time: i64,
    pub expires_at: i64,
}
