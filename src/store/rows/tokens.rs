use diesel::prelude::*;

use super::IdBytes;
use crate::store::schema::{access_tokens, assertion_ids, authorizations};

/// An access token, by its keyed hash.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = access_tokens, treat_none_as_default_value = false)]
#[expect(missing_docs, reason = "named after the columns")]
pub struct AccessTokenRow {
    pub token_hash: Vec<u8>,
    pub client_id: String,
    pub user_id: Option<String>,
    pub scope: String,
    pub issued_at: i64,
    pub expires_at: i64,
}

/// A client assertion's `jti`, by its keyed hash.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = assertion_ids, treat_none_as_default_value = false)]
#[expect(missing_docs, reason = "named after the columns")]
pub struct AssertionIdRow {
    pub client_id: String,
    pub jti_hash: Vec<u8>,
    pub expires_at: i64,
}

/// An authorization request on its way from the application to a code.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = authorizations, treat_none_as_default_value = false)]
#[expect(missing_docs, reason = "named after the columns")]
pub struct AuthorizationRow {
    pub id: IdBytes,
    pub challenge_hash: Vec<u8>,
    pub code_hash: Option<Vec<u8>>,
    pub client_id: String,
    pub redirect_uri: String,
    pub scope: String,
    pub state: Option<String>,
    pub code_challenge: String,
    pub status: i16,
    pub user_id: Option<String>,
    pub amr: Option<String>,
    pub acr: Option<String>,
    /// The access token made of the code: revoked when the code comes a second time.
    pub token_hash: Option<Vec<u8>>,
    pub created_at: i64,
    pub expires_at: i64,
}
