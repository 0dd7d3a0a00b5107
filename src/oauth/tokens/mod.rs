//! Tokens: what they look like, what they rest on, whom they speak for.
//!
//! Every access token has a row, a JWT too, and what a user's tokens rest on is one row more, the
//! grant: without it none of them is worth anything, at whatever door.

mod bearer;
mod issue;
mod jwt;
mod remade;
pub(super) mod rotation;
pub(super) mod text;

use crate::ids::ProfileId;
use crate::secret::SecretString;

pub use bearer::{Bearer, BearerError, PresentedToken};
pub(super) use issue::{Issue, NewAccessToken};

/// The successful answer of the token endpoint (RFC 6749 §5.1).
#[derive(Debug)]
pub struct TokenResponse {
    /// `access_token`. Told this once.
    pub access_token: SecretString,
    /// `token_type`.
    pub token_type: TokenType,
    /// `expires_in`, in seconds.
    pub expires_in: u64,
    /// `scope`.
    pub scope: String,
    /// `refresh_token`. A secret.
    pub refresh_token: Option<SecretString>,
    /// `id_token` (OpenID Connect Core §3.1.3.3).
    pub id_token: Option<String>,
    /// `profile_id`: of a user who is enrolled on the installation.
    pub profile_id: Option<ProfileId>,
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
}

/// How the user was authenticated, as it is stored.
pub(super) fn amr(stored: Option<&str>) -> Vec<String> {
    stored
        .and_then(|json| serde_json::from_str(json).ok())
        .unwrap_or_default()
}

impl TokenResponse {
    /// The answer for a new access token, without anything beside it.
    pub(super) fn new(token: NewAccessToken) -> Self {
        Self {
            token_type: if token.row.jkt.is_some() {
                TokenType::Dpop
            } else {
                TokenType::Bearer
            },
            access_token: token.text,
            expires_in: token.lifetime.as_secs(),
            scope: token.row.scope,
            refresh_token: None,
            id_token: None,
            profile_id: None,
        }
    }
}
