use crate::oauth::error::{OAuthError, log_unavailable};
use crate::store::StoreError;

/// Why a client was not recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// The request names no client. `401`.
    #[error(
        "The client has to authenticate: with Basic, with client_id and client_secret, or with a client assertion."
    )]
    Missing,
    /// Credentials in two places, or only a part of them (RFC 6749 §2.3). `400`.
    #[error("The client must authenticate in exactly one way, completely.")]
    Malformed,
    /// Unknown, or with wrong credentials; the caller is not told which. `401`.
    #[error("The client is unknown, or its credentials are wrong, expired or used before.")]
    Invalid,
    /// Its assertion is right but for its times: the clocks differ by more than 300 s, or the assertion
    /// is an old one. `401`.
    #[error(
        "The times of the client assertion are not right: set the clock, or add the difference to `server_time`."
    )]
    ClockSkew {
        /// Seconds since the epoch.
        server_time: i64,
    },
    /// The database is out of reach, or overloaded. `503`.
    #[error("The server is busy or its database is out of reach; try again shortly.")]
    Unavailable,
}

impl From<StoreError> for ClientError {
    fn from(error: StoreError) -> Self {
        log_unavailable(&error);
        Self::Unavailable
    }
}

impl From<ClientError> for OAuthError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Unavailable => Self::Unavailable,
            ClientError::ClockSkew { server_time } => Self::ClockSkew { server_time },
            ClientError::Missing | ClientError::Malformed | ClientError::Invalid => {
                Self::InvalidClient
            }
        }
    }
}
