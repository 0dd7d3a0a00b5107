use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Integer, Nullable, Text};

use super::IdBytes;
use crate::store::schema::{access_tokens, assertion_ids, grants, refresh_tokens};

/// One login of one user at one client: what tokens rest on. The epochs it is made under are the
/// database's matter.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = grants)]
pub struct GrantRow {
    pub id: IdBytes,
    pub client_id: String,
    pub application_id: Option<String>,
    pub user_id: String,
    pub scope: String,
    pub resource_server: Option<String>,
    /// How the user was authenticated: a JSON array of names.
    pub amr: Option<String>,
    pub acr: Option<String>,
    pub auth_time: i64,
    pub created_at: i64,
    /// Nothing that rests on it lives longer.
    pub expires_at: i64,
}

impl GrantRow {
    /// How and when the user logged in.
    pub fn authentication(&self) -> AuthenticationColumns {
        AuthenticationColumns {
            amr: self.amr.clone(),
            acr: self.acr.clone(),
            auth_time: self.auth_time,
        }
    }
}

/// An access token. The epochs it is made under are the database's matter.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, QueryableByName, Selectable)]
#[diesel(table_name = access_tokens)]
pub struct AccessTokenRow {
    pub id: IdBytes,
    /// A keyed hash of the whole token, whatever it looks like.
    pub token_hash: Option<Vec<u8>>,
    /// None for a client's own token.
    pub grant_id: Option<IdBytes>,
    pub client_id: String,
    pub application_id: Option<String>,
    pub user_id: Option<String>,
    pub scope: String,
    pub resource_server: Option<String>,
    /// The key it is bound to (RFC 9449 §6.1).
    pub jkt: Option<String>,
    /// What it is signed with, if it is a JWT; none for an opaque token.
    pub signing_algorithm: Option<String>,
    pub issued_at: i64,
    pub expires_at: i64,
}

/// A family of refresh tokens: the last one is the one of `generation`.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = refresh_tokens, treat_none_as_default_value = false)]
pub struct RefreshTokenRow {
    pub id: IdBytes,
    pub grant_id: IdBytes,
    /// `default`, `pin`, `fingerprint`, `custom:ID`.
    pub authenticator: String,
    /// The key it is bound to (RFC 9449 §5).
    pub jkt: Option<String>,
    /// 0 when made, one more with each rotation.
    pub generation: i32,
    /// When the last one was given out.
    pub issued_at: i64,
    /// Of the last one.
    pub expires_at: i64,
}

/// The rotation of a family, refused unless its last token is still the one of `generation`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshRotation {
    pub id: IdBytes,
    pub generation: i32,
    pub issued_at: i64,
    pub expires_at: i64,
}

/// An access token that is alive: neither it nor what it rests on was revoked. Whether it has
/// expired is not looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveAccessToken {
    pub token: AccessTokenRow,
    /// Of the grant it rests on, if it is a user's.
    pub authentication: Option<AuthenticationColumns>,
    /// Of an installation: its version and platform.
    pub installation: Option<(String, String)>,
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
}

/// A family of refresh tokens that is alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveRefreshToken {
    pub refresh_token: RefreshTokenRow,
    /// What it rests on.
    pub grant: GrantRow,
    /// The public key of the authenticator it belongs to, if that is enrolled.
    pub authenticator_key: Option<String>,
}

/// What a portal shows of a token, or of a grant whose tokens have all expired and are gone.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct PortalTokenRow {
    /// Of the token; of the grant where there is none.
    #[diesel(sql_type = Binary)]
    pub id: IdBytes,
    #[diesel(sql_type = Text)]
    pub client_id: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub application_id: Option<String>,
    /// Of an installation that is there.
    #[diesel(sql_type = Nullable<Text>)]
    pub device_name: Option<String>,
    #[diesel(sql_type = Text)]
    pub scope: String,
    #[diesel(sql_type = BigInt)]
    pub issued_at: i64,
    /// None where there is no token.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub expires_at: Option<i64>,
    /// What the refresh tokens of the grant are protected by: 3 `fingerprint`, 2 `custom:ID`, 1
    /// anything else; none where there are none that have not expired.
    #[diesel(sql_type = Nullable<Integer>)]
    pub protection: Option<i32>,
}

/// What a list of tokens tells of a grant.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct ListedGrantRow {
    #[diesel(sql_type = Binary)]
    pub id: IdBytes,
    #[diesel(sql_type = Text)]
    pub client_id: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub application_id: Option<String>,
}

/// An access token of a user that a list of tokens tells of.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct ListedAccessTokenRow {
    #[diesel(embed)]
    pub token: AccessTokenRow,
    /// Of the grant it rests on.
    #[diesel(embed)]
    pub authentication: AuthenticationColumns,
    #[diesel(sql_type = Nullable<Text>)]
    pub application_version: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub platform: Option<String>,
}

impl From<ListedAccessTokenRow> for LiveAccessToken {
    fn from(row: ListedAccessTokenRow) -> Self {
        let ListedAccessTokenRow {
            token,
            authentication,
            application_version,
            platform,
        } = row;
        Self {
            token,
            authentication: Some(authentication),
            installation: application_version.zip(platform),
        }
    }
}

/// A client assertion's `jti`, by its keyed hash.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = assertion_ids, treat_none_as_default_value = false)]
pub struct AssertionIdRow {
    pub client_id: String,
    pub jti_hash: Vec<u8>,
    pub expires_at: i64,
}
