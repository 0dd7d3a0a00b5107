use crate::clock::Timestamp;
use crate::ids::GrantId;
use crate::store::CorruptRow;
use crate::store::rows::{GrantRow, ListedGrantRow};

use super::client_ref::ClientRef;
use super::login::Login;

/// One login of one user at one client: what the user's tokens there rest on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) id: GrantId,
    pub(crate) client: ClientRef,
    pub(crate) login: Login,
    pub(crate) scope: String,
    /// The only one that its tokens are for; without one a token may be for any.
    pub(crate) resource_server: Option<String>,
    pub(crate) created_at: Timestamp,
    /// Nothing that rests on it lives longer.
    pub(crate) expires_at: Timestamp,
}

impl Grant {
    pub(crate) fn from_row(row: GrantRow) -> Result<Self, CorruptRow> {
        let corrupt = || CorruptRow::new("grants", &row.id);
        let authentication = row.authentication();
        let client = ClientRef::from_columns(row.client_id, row.application_id);
        let login = Login::from_columns(row.user_id, authentication)
            .and_then(|login| login.with_session_column(row.session_id.as_deref()));

        Ok(Self {
            id: GrantId::from_column(&row.id).ok_or_else(corrupt)?,
            client: client.ok_or_else(corrupt)?,
            login: login.ok_or_else(corrupt)?,
            scope: row.scope,
            resource_server: row.resource_server,
            created_at: Timestamp::from_millis(row.created_at),
            expires_at: Timestamp::from_millis(row.expires_at),
        })
    }

    pub(crate) fn to_row(&self) -> GrantRow {
        let authentication = &self.login.authentication;

        GrantRow {
            id: self.id.to_column(),
            client_id: self.client.id.clone(),
            application_id: self.client.application_column(),
            user_id: self.login.user_id.to_string(),
            scope: self.scope.clone(),
            resource_server: self.resource_server.clone(),
            amr: authentication.amr_column(),
            acr: authentication.acr.clone(),
            auth_time: authentication.time.as_millis(),
            claims: authentication.claims_column(),
            session_id: authentication.session_column(),
            created_at: self.created_at.as_millis(),
            expires_at: self.expires_at.as_millis(),
        }
    }
}

/// What a list of tokens tells of a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListedGrant {
    pub(crate) id: GrantId,
    pub(crate) client: ClientRef,
}

impl ListedGrant {
    pub(crate) fn from_row(row: ListedGrantRow) -> Result<Self, CorruptRow> {
        let corrupt = || CorruptRow::new("grants", &row.id);
        let client = ClientRef::from_columns(row.client_id, row.application_id);

        Ok(Self {
            id: GrantId::from_column(&row.id).ok_or_else(corrupt)?,
            client: client.ok_or_else(corrupt)?,
        })
    }
}
