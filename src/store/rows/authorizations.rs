use diesel::prelude::*;

use super::ids::IdBytes;
use crate::store::record::row;
use crate::store::schema::{consents, device_codes, login_sessions};

row! {
    /// An authorization request, from the client's request to the exchanged code.
    #[derive(Insertable)]
    pub struct AuthorizationRow in authorizations (id) {
        pub id: IdBytes,
        /// Identifies the page that is waited for: the login page, then the consent page.
        pub challenge_hash: Vec<u8>,
        pub code_hash: Option<Vec<u8>>,
        pub client_id: String,
        /// None where an appliance waits for the answer, not a redirect address.
        pub redirect_uri: Option<String>,
        pub scope: String,
        pub resource_server: Option<String>,
        pub state: Option<String>,
        pub nonce: Option<String>,
        pub code_challenge: Option<String>,
        /// The key that the code is bound to (RFC 9449 §10).
        pub jkt: Option<String>,
        /// What the client wants the login page to know: JSON.
        pub hints: Option<String>,
        /// The appliance that waits (RFC 8628).
        pub device_code_id: Option<IdBytes>,
        pub status: i16,
        pub user_id: Option<String>,
        pub amr: Option<String>,
        pub acr: Option<String>,
        pub auth_time: Option<i64>,
        /// What the login page says of the user, sealed.
        pub claims: Option<String>,
        /// The remembered log-in that it comes from.
        pub session_id: Option<IdBytes>,
        /// Why a page refused: JSON.
        pub reason: Option<String>,
        /// The grant made from the code. It is revoked when the code is presented again.
        pub grant_id: Option<IdBytes>,
        pub created_at: i64,
        pub expires_at: i64,
    }
}

row! {
    /// A pushed authorization request (RFC 9126).
    pub struct PushedRequestRow in pushed_requests (request_hash) {
        pub request_hash: Vec<u8>,
        pub client_id: String,
        /// JSON.
        pub parameters: String,
        pub expires_at: i64,
    }
}

/// An appliance that waits for its user (RFC 8628).
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
    pub claims: Option<String>,
    /// How long the appliance has to wait between two polls.
    pub interval_seconds: i32,
    pub polled_at: Option<i64>,
    pub created_at: i64,
    pub expires_at: i64,
}

/// The decision of an appliance's user, refused unless the row still has `expected_status`.
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
    pub claims: Option<String>,
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
    pub claims: Option<String>,
    pub expires_at: i64,
    /// When it was last of use.
    pub used_at: i64,
}
