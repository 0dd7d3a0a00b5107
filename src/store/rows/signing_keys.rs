use diesel::prelude::*;

use crate::store::schema::signing_keys;

/// A key the server signs with.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = signing_keys, treat_none_as_default_value = false)]
pub struct SigningKeyRow {
    pub kid: String,
    /// `ES256`, `RS256`.
    pub algorithm: String,
    /// PKCS#8, sealed.
    pub private_key: Vec<u8>,
    pub created_at: i64,
    /// It signs from then on, and is published before.
    pub active_from: i64,
    /// None until it has a successor.
    pub published_until: Option<i64>,
}
