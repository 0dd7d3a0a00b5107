use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Integer, Nullable, Text};

use super::ids::IdBytes;
use super::tokens::{AccessTokenRow, GrantRow, RefreshTokenRow};

/// An access token that is alive: neither it nor anything it rests on was revoked. It may have
/// expired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveAccessToken {
    pub token: AccessTokenRow,
    /// Of its grant. None for a client's own token.
    pub authentication: Option<AuthenticationColumns>,
    /// The application version and platform of the device that has the token, if it is a device.
    pub device_application: Option<(String, String)>,
}

/// How and when a user logged in.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct AuthenticationColumns {
    #[diesel(sql_type = Nullable<Text>)]
    pub amr: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub acr: Option<String>,
    #[diesel(sql_type = BigInt)]
    pub auth_time: i64,
    /// What the login page says of the user, sealed.
    #[diesel(sql_type = Nullable<Text>)]
    pub claims: Option<String>,
}

impl GrantRow {
    /// How and when the user logged in.
    pub fn authentication(&self) -> AuthenticationColumns {
        AuthenticationColumns {
            amr: self.amr.clone(),
            acr: self.acr.clone(),
            auth_time: self.auth_time,
            claims: self.claims.clone(),
        }
    }
}

/// A family of refresh tokens that is alive: neither it nor its grant was revoked. It may have
/// expired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveRefreshToken {
    pub refresh_token: RefreshTokenRow,
    pub grant: GrantRow,
    /// The public key of its authenticator, if that is enrolled.
    pub authenticator_key: Option<String>,
}

/// What a portal shows of a token, or of a grant whose access tokens have all expired.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct PortalTokenRow {
    /// Of the token; of the grant where there is no token.
    #[diesel(sql_type = Binary)]
    pub id: IdBytes,
    #[diesel(sql_type = Text)]
    pub client_id: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub application_id: Option<String>,
    /// Where the client is a device that still exists.
    #[diesel(sql_type = Nullable<Text>)]
    pub device_name: Option<String>,
    #[diesel(sql_type = Text)]
    pub scope: String,
    #[diesel(sql_type = BigInt)]
    pub issued_at: i64,
    /// None where there is no token.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub expires_at: Option<i64>,
    /// What protects the refresh tokens of the grant: 3 is `fingerprint`, 2 `custom:ID`, 1 anything
    /// else. None where all have expired.
    #[diesel(sql_type = Nullable<Integer>)]
    pub protection: Option<i32>,
}

/// A grant in a list of tokens.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct ListedGrantRow {
    #[diesel(sql_type = Binary)]
    pub id: IdBytes,
    #[diesel(sql_type = Text)]
    pub client_id: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub application_id: Option<String>,
}

/// A user's access token in a list of tokens.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct ListedAccessTokenRow {
    #[diesel(embed)]
    pub token: AccessTokenRow,
    /// Of its grant.
    #[diesel(embed)]
    pub authentication: AuthenticationColumns,
    #[diesel(sql_type = Nullable<Text>)]
    pub application_version: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub platform: Option<String>,
}

impl From<ListedAccessTokenRow> for LiveAccessToken {
    fn from(row: ListedAccessTokenRow) -> Self {
        Self {
            token: row.token,
            authentication: Some(row.authentication),
            device_application: row.application_version.zip(row.platform),
        }
    }
}
