use super::claims::{Claims, SealedClaims};
use crate::clock::Timestamp;
use crate::ids::{LoginSessionId, UserId};
use crate::secret::{Keyring, TokenHash};
use crate::store::CorruptRow;
use crate::store::rows::{AuthenticationColumns, LoginSessionRow};

/// How and when a user was authenticated, and what the login page says of the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Authentication {
    /// The methods, by their names of RFC 8176.
    pub(crate) amr: Vec<String>,
    /// How well, in terms that login pages and clients agree upon.
    pub(crate) acr: Option<String>,
    pub(crate) time: Timestamp,
    pub(crate) claims: Option<SealedClaims>,
    /// Where the browser remembers it: the `sid` of ID tokens.
    pub(crate) session: Option<LoginSessionId>,
}

impl Authentication {
    /// `None` where the columns cannot be read.
    pub(super) fn from_columns(columns: AuthenticationColumns) -> Option<Self> {
        let amr = match columns.amr {
            Some(json) => serde_json::from_str(&json).ok()?,
            None => Vec::new(),
        };

        Some(Self {
            amr,
            acr: columns.acr,
            time: Timestamp::from_millis(columns.auth_time),
            claims: columns.claims.map(SealedClaims::from_column),
            session: None,
        })
    }

    pub(super) fn amr_column(&self) -> Option<String> {
        // A list of texts can always be written.
        serde_json::to_string(&self.amr).ok()
    }

    /// What the login page says of its user.
    pub(crate) fn claims(&self, keyring: &Keyring, user: &UserId) -> Result<Claims, CorruptRow> {
        let Some(sealed) = &self.claims else {
            return Ok(Claims::default());
        };

        let opened = sealed.open(keyring, user);
        opened.map_err(|_| CorruptRow::new("grants", &format!("of user {user}")))
    }

    pub(super) fn session_column(&self) -> Option<Vec<u8>> {
        self.session.map(LoginSessionId::to_column)
    }

    pub(super) fn claims_column(&self) -> Option<String> {
        self.claims.as_ref().map(SealedClaims::to_column)
    }
}

/// A user who has logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) user_id: UserId,
    pub(crate) authentication: Authentication,
}

impl Login {
    /// `None` where the columns cannot be read.
    pub(super) fn from_columns(
        user_id: String,
        authentication: AuthenticationColumns,
    ) -> Option<Self> {
        Some(Self {
            user_id: user_id.try_into().ok()?,
            authentication: Authentication::from_columns(authentication)?,
        })
    }

    /// The same, as a browser remembers it.
    pub(crate) fn in_session(mut self, session: Option<LoginSessionId>) -> Self {
        self.authentication.session = session;
        self
    }

    /// The same, read with the column for the session; `None` where that cannot be read.
    pub(super) fn with_session_column(self, column: Option<&[u8]>) -> Option<Self> {
        let session = match column {
            Some(id) => Some(LoginSessionId::from_column(id)?),
            None => None,
        };
        Some(self.in_session(session))
    }
}

/// A login that a browser remembers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LoginSession {
    pub(crate) id: LoginSessionId,
    pub(crate) login: Login,
    pub(crate) expires_at: Timestamp,
    /// When it was last of use.
    pub(crate) used_at: Timestamp,
}

impl LoginSession {
    pub(crate) fn from_row(row: LoginSessionRow) -> Result<Self, CorruptRow> {
        let corrupt = || CorruptRow::new("login_sessions", &row.id);
        let id = LoginSessionId::from_column(&row.id).ok_or_else(corrupt)?;
        let authentication = AuthenticationColumns {
            amr: row.amr,
            acr: row.acr,
            auth_time: row.auth_time,
            claims: row.claims,
        };
        let login = Login::from_columns(row.user_id, authentication).ok_or_else(corrupt)?;

        Ok(Self {
            id,
            login: login.in_session(Some(id)),
            expires_at: Timestamp::from_millis(row.expires_at),
            used_at: Timestamp::from_millis(row.used_at),
        })
    }

    /// `hash` is that of the browser's cookie.
    pub(crate) fn to_row(&self, hash: &TokenHash) -> LoginSessionRow {
        let Authentication { acr, time, .. } = &self.login.authentication;

        LoginSessionRow {
            id: self.id.to_column(),
            session_hash: hash.to_vec(),
            user_id: self.login.user_id.to_string(),
            amr: self.login.authentication.amr_column(),
            acr: acr.clone(),
            auth_time: time.as_millis(),
            claims: self.login.authentication.claims_column(),
            expires_at: self.expires_at.as_millis(),
            used_at: self.used_at.as_millis(),
        }
    }
}
