use std::time::Duration;

use crate::ids::ProfileId;
use crate::oauth::model::AccessToken;
use crate::secret::{SecretString, TokenHash};
use crate::store::rows::AccessTokenRow;

/// The successful answer of the token endpoint (RFC 6749 §5.1).
#[derive(Debug)]
pub struct TokenResponse {
    /// Told this once.
    pub access_token: SecretString,
    pub token_type: TokenType,
    /// Seconds.
    pub expires_in: u64,
    /// The scopes, separated by spaces.
    pub scope: String,
    /// RFC 8693 §2.2.1: of a token that was exchanged.
    pub issued_token_type: Option<&'static str>,
    pub refresh_token: Option<SecretString>,
    /// OpenID Connect Core §3.1.3.3.
    pub id_token: Option<String>,
    /// Of a user who is enrolled on the device.
    pub profile_id: Option<ProfileId>,
}

impl TokenResponse {
    /// The answer for a new access token, with nothing beside it.
    pub(crate) fn new(issued: IssuedToken) -> Self {
        Self {
            access_token: issued.text,
            token_type: TokenType::of(&issued.token),
            expires_in: issued.lifetime.as_secs(),
            scope: issued.token.scope,
            issued_token_type: None,
            refresh_token: None,
            id_token: None,
            profile_id: None,
        }
    }
}

/// How an access token is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenType {
    /// By whoever has it (RFC 6750).
    Bearer,
    /// With a proof of the key it is bound to (RFC 9449).
    Dpop,
}

impl TokenType {
    /// The name on the wire, and the scheme of the `Authorization` header.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::Dpop => "DPoP",
        }
    }

    pub(crate) fn of(token: &AccessToken) -> Self {
        match token.jkt {
            Some(_) => Self::Dpop,
            None => Self::Bearer,
        }
    }
}

/// An access token that is good once its row is committed.
pub(crate) struct IssuedToken {
    pub(crate) text: SecretString,
    /// Of the text.
    pub(crate) hash: TokenHash,
    pub(crate) token: AccessToken,
    pub(crate) lifetime: Duration,
}

impl IssuedToken {
    pub(crate) fn to_row(&self) -> AccessTokenRow {
        self.token.to_row(&self.hash)
    }
}
