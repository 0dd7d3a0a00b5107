use uuid::Uuid;

use super::client_ref::ClientRef;
use crate::clock::Timestamp;
use crate::store::CorruptRow;
use crate::store::rows::PortalTokenRow;

/// A user's access token, or, where all of a grant's have expired and are gone, what a client can
/// get another one with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GrantedToken {
    /// Of the token; of the grant where there is none.
    pub(crate) id: Uuid,
    pub(crate) client: ClientRef,
    /// Where the client is a device.
    pub(crate) device_name: Option<String>,
    pub(crate) scope: String,
    pub(crate) issued_at: Timestamp,
    /// `None` where there is no token.
    pub(crate) expires_at: Option<Timestamp>,
    /// Of the best protected refresh token of the grant that has not expired.
    pub(crate) refresh_token: Option<Protection>,
}

/// What protects a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protection {
    NoneOrPin,
    Custom,
    Fingerprint,
}

impl GrantedToken {
    pub(crate) fn from_row(row: PortalTokenRow) -> Result<Self, CorruptRow> {
        let corrupt = || CorruptRow::new("access_tokens", &row.id);
        let client = ClientRef::from_columns(row.client_id, row.application_id);

        let refresh_token = match row.protection {
            None => None,
            Some(1) => Some(Protection::NoneOrPin),
            Some(2) => Some(Protection::Custom),
            Some(3) => Some(Protection::Fingerprint),
            Some(_) => return Err(corrupt()),
        };

        Ok(Self {
            id: Uuid::from_slice(&row.id).map_err(|_| corrupt())?,
            client: client.ok_or_else(corrupt)?,
            device_name: row.device_name,
            scope: row.scope,
            issued_at: Timestamp::from_millis(row.issued_at),
            expires_at: row.expires_at.map(Timestamp::from_millis),
            refresh_token,
        })
    }
}
