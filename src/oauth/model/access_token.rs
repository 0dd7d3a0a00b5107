use crate::clock::Timestamp;
use crate::ids::{AccessTokenId, GrantId, UserId};
use crate::jose::SigningAlgorithm;
use crate::secret::TokenHash;
use crate::settings::Platform;
use crate::store::CorruptRow;
use crate::store::rows::{AccessTokenRow, ListedAccessTokenRow, LiveAccessToken as LiveRow};

use super::client_ref::ClientRef;
use super::login::Authentication;

/// An access token, without its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AccessToken {
    pub(crate) id: AccessTokenId,
    pub(crate) client: ClientRef,
    /// `None` for a client's own token.
    pub(crate) user: Option<TokenUser>,
    pub(crate) scope: String,
    /// Who takes it; without one, this server itself.
    pub(crate) resource_server: Option<String>,
    /// The thumbprint of the key it is bound to (RFC 9449 §6.1).
    pub(crate) jkt: Option<String>,
    /// The clients that act for the user, the last one first, where the token was exchanged (RFC 8693
    /// §4.1).
    pub(crate) actors: Vec<String>,
    /// Set where the token is a JWT.
    pub(crate) signing_algorithm: Option<SigningAlgorithm>,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// Whose token it is, and what it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TokenUser {
    pub(crate) grant_id: GrantId,
    pub(crate) user_id: UserId,
}

impl AccessToken {
    pub(crate) fn user_id(&self) -> Option<&UserId> {
        self.user.as_ref().map(|user| &user.user_id)
    }

    pub(crate) fn from_row(row: AccessTokenRow) -> Result<Self, CorruptRow> {
        let corrupt = || CorruptRow::new("access_tokens", &row.id);
        let client = ClientRef::from_columns(row.client_id, row.application_id);

        let user = match (row.grant_id, row.user_id) {
            (None, None) => None,
            (Some(grant), Some(user)) => Some(TokenUser {
                grant_id: GrantId::from_column(&grant).ok_or_else(corrupt)?,
                user_id: user.try_into().map_err(|_| corrupt())?,
            }),
            (Some(_), None) | (None, Some(_)) => return Err(corrupt()),
        };

        let signing_algorithm = match row.signing_algorithm {
            Some(name) => Some(SigningAlgorithm::from_name(&name).ok_or_else(corrupt)?),
            None => None,
        };

        let actors = match row.actors {
            Some(names) => serde_json::from_str(&names).map_err(|_| corrupt())?,
            None => Vec::new(),
        };

        Ok(Self {
            id: AccessTokenId::from_column(&row.id).ok_or_else(corrupt)?,
            client: client.ok_or_else(corrupt)?,
            user,
            scope: row.scope,
            resource_server: row.resource_server,
            jkt: row.jkt,
            actors,
            signing_algorithm,
            issued_at: Timestamp::from_millis(row.issued_at),
            expires_at: Timestamp::from_millis(row.expires_at),
        })
    }

    /// `hash` is that of the token's text.
    pub(crate) fn to_row(&self, hash: &TokenHash) -> AccessTokenRow {
        AccessTokenRow {
            id: self.id.to_column(),
            token_hash: Some(hash.to_vec()),
            grant_id: self.user.as_ref().map(|user| user.grant_id.to_column()),
            client_id: self.client.id.clone(),
            application_id: self.client.application_column(),
            user_id: self.user_id().map(ToString::to_string),
            scope: self.scope.clone(),
            resource_server: self.resource_server.clone(),
            jkt: self.jkt.clone(),
            // Texts can always be written.
            actors: (!self.actors.is_empty())
                .then(|| serde_json::to_string(&self.actors).unwrap_or_default()),
            signing_algorithm: self
                .signing_algorithm
                .map(|algorithm| algorithm.as_str().to_owned()),
            issued_at: self.issued_at.as_millis(),
            expires_at: self.expires_at.as_millis(),
        }
    }
}

/// An access token that was not revoked, alone or with what it rests on. It may have expired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LiveAccessToken {
    pub(crate) token: AccessToken,
    /// Of its text.
    pub(crate) hash: Option<Vec<u8>>,
    /// Of the grant; `None` for a client's own token.
    pub(crate) authentication: Option<Authentication>,
    /// What the device runs that the token was issued to.
    pub(crate) device: Option<DeviceVersion>,
}

/// What a device runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeviceVersion {
    pub(crate) platform: Platform,
    pub(crate) application_version: String,
}

impl LiveAccessToken {
    pub(crate) fn from_row(mut row: LiveRow) -> Result<Self, CorruptRow> {
        let hash = row.token.token_hash.take();
        let token = AccessToken::from_row(row.token)?;

        let authentication = match row.authentication {
            Some(columns) => Some(
                Authentication::from_columns(columns).ok_or_else(|| of_token("grants", &token))?,
            ),
            None => None,
        };

        let device = match row.device_application {
            Some((application_version, platform)) => Some(DeviceVersion {
                platform: Platform::from_name(&platform)
                    .ok_or_else(|| of_token("devices", &token))?,
                application_version,
            }),
            None => None,
        };

        Ok(Self {
            token,
            hash,
            authentication,
            device,
        })
    }
}

/// A row that was read together with a token, and does not bring its own key along.
fn of_token(table: &'static str, token: &AccessToken) -> CorruptRow {
    CorruptRow::new(table, &format!("of access_tokens {}", token.id))
}

/// What a list of tokens tells of an access token.
#[derive(Clone, Debug)]
pub(crate) struct ListedAccessToken {
    pub(crate) id: AccessTokenId,
    pub(crate) grant_id: GrantId,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// All of it, where the token is a JWT.
    pub(crate) jwt: Option<Box<LiveAccessToken>>,
}

impl ListedAccessToken {
    pub(crate) fn from_row(row: ListedAccessTokenRow) -> Result<Self, CorruptRow> {
        let token = &row.token;
        let corrupt = || CorruptRow::new("access_tokens", &token.id);
        let grant_id = token.grant_id.as_deref().and_then(GrantId::from_column);

        let mut listed = Self {
            id: AccessTokenId::from_column(&token.id).ok_or_else(corrupt)?,
            grant_id: grant_id.ok_or_else(corrupt)?,
            issued_at: Timestamp::from_millis(token.issued_at),
            expires_at: Timestamp::from_millis(token.expires_at),
            jwt: None,
        };

        // Most are opaque: nothing else of those is told.
        if token.signing_algorithm.is_some() {
            listed.jwt = Some(Box::new(LiveAccessToken::from_row(row.into())?));
        }

        Ok(listed)
    }
}
