use crate::clock::Timestamp;
use crate::devices::AuthenticatorName;
use crate::ids::{GrantId, RefreshFamilyId};
use crate::jose::PublicJwk;
use crate::store::journal::{AuthenticatorSuccess, RefreshRotation};
use crate::store::rows::{LiveRefreshToken as LiveRow, RefreshTokenRow};
use crate::store::{CorruptRow, StoreError};

use super::grant::Grant;

/// The column's value for a family that no authenticator protects.
const NO_AUTHENTICATOR: &str = "default";

/// A chain of refresh tokens, each the successor of the one before. Only the last is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RefreshFamily {
    pub(crate) id: RefreshFamilyId,
    pub(crate) grant_id: GrantId,
    /// Whose proof each use takes; a grant has at most one family of each authenticator.
    pub(crate) authenticator: Option<AuthenticatorName>,
    /// The thumbprint of the key it is bound to (RFC 9449 §5).
    pub(crate) jkt: Option<String>,
    /// Of the last token: 0 when the family begins, one more with each rotation.
    pub(crate) generation: i32,
    /// When the last token was issued.
    pub(crate) issued_at: Timestamp,
    /// When the last token expires.
    pub(crate) expires_at: Timestamp,
}

impl RefreshFamily {
    pub(crate) fn from_row(row: RefreshTokenRow) -> Result<Self, CorruptRow> {
        let corrupt = || CorruptRow::new("refresh_tokens", &row.id);
        let authenticator = match row.authenticator.as_str() {
            NO_AUTHENTICATOR => None,
            name => Some(name.parse().map_err(|_| corrupt())?),
        };

        Ok(Self {
            id: RefreshFamilyId::from_column(&row.id).ok_or_else(corrupt)?,
            grant_id: GrantId::from_column(&row.grant_id).ok_or_else(corrupt)?,
            authenticator,
            jkt: row.jkt,
            generation: row.generation,
            issued_at: Timestamp::from_millis(row.issued_at),
            expires_at: Timestamp::from_millis(row.expires_at),
        })
    }

    pub(crate) fn to_row(&self) -> RefreshTokenRow {
        RefreshTokenRow {
            id: self.id.to_column(),
            grant_id: self.grant_id.to_column(),
            authenticator: self.authenticator_column(),
            jkt: self.jkt.clone(),
            generation: self.generation,
            issued_at: self.issued_at.as_millis(),
            expires_at: self.expires_at.as_millis(),
        }
    }

    /// The change from this family to its `successor`, refused where another has rotated it.
    pub(crate) fn rotation_to(&self, successor: &Self) -> RefreshRotation {
        RefreshRotation {
            id: self.id.to_column(),
            generation: self.generation,
            issued_at: successor.issued_at.as_millis(),
            expires_at: successor.expires_at.as_millis(),
        }
    }

    /// The success of the authenticator that protects it, which the user of the `grant` has.
    pub(crate) fn authenticator_success(&self, grant: &Grant) -> Option<AuthenticatorSuccess> {
        let name = self.authenticator.as_ref()?;

        Some(AuthenticatorSuccess {
            device_id: grant.client.id.clone(),
            user_id: grant.login.user_id.to_string(),
            name: name.to_string(),
        })
    }

    fn authenticator_column(&self) -> String {
        self.authenticator
            .as_ref()
            .map_or_else(|| NO_AUTHENTICATOR.to_owned(), ToString::to_string)
    }
}

/// A family that was not revoked, with what it rests on. It may have expired.
#[derive(Clone, Debug)]
pub(crate) struct LiveRefreshFamily {
    pub(crate) family: RefreshFamily,
    pub(crate) grant: Grant,
    /// As enrolled: a JWK in JSON.
    authenticator_key: Option<String>,
}

impl LiveRefreshFamily {
    pub(crate) fn from_row(row: LiveRow) -> Result<Self, CorruptRow> {
        Ok(Self {
            family: RefreshFamily::from_row(row.refresh_token)?,
            grant: Grant::from_row(row.grant)?,
            authenticator_key: row.authenticator_key,
        })
    }

    /// The public key of the family's authenticator; `None` where that is not enrolled.
    pub(crate) fn authenticator_key(&self) -> Result<Option<PublicJwk>, StoreError> {
        // Read only when it is asked for: to check a point of the curve takes its time.
        let key = self.authenticator_key.as_deref().map(PublicJwk::from_json);

        key.transpose().map_err(|_| {
            let family = format!("of refresh_tokens {}", self.family.id);
            CorruptRow::new("authenticators", &family).into()
        })
    }
}
