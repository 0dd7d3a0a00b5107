//! The errors of the token endpoint, by the codes of RFC 6749 §5.2.

use crate::store::StoreError;

/// Why a token was not issued. The texts are for the developer of the client; they tell nothing about other clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OAuthError {
    /// A parameter is missing, malformed or does not go with the others.
    #[error("{0}")]
    InvalidRequest(&'static str),
    /// The client did not prove that it is one. `401`.
    #[error("The client is unknown, or its credentials are wrong, expired or used before.")]
    InvalidClient,
    /// The authorization code is of no use.
    #[error("The code is unknown, expired or used, or was issued to another client, redirect_uri or code_challenge.")]
    InvalidGrant,
    /// The client is known but may not do this.
    #[error("{0}")]
    UnauthorizedClient(&'static str),
    /// No such grant.
    #[error("grant_type: must be `client_credentials` or `authorization_code`.")]
    UnsupportedGrantType,
    /// More than the client may have, or not a scope at all.
    #[error("scope: is unknown or more than this client may have.")]
    InvalidScope,
    /// The server cannot decide now. `503`.
    #[error("The server is busy or its database is out of reach; try again shortly.")]
    Unavailable,
}

impl OAuthError {
    /// The code on the wire.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::InvalidRequest(_) => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient(_) => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::Unavailable => "temporarily_unavailable",
        }
    }
}

impl From<StoreError> for OAuthError {
    fn from(error: StoreError) -> Self {
        log_unavailable(&error);
        Self::Unavailable
    }
}

/// Clients hear only that the server is unavailable; why is said here, once.
pub(super) fn log_unavailable(error: &StoreError) {
    tracing::error!(%error, "the token server could not use its database");
}
