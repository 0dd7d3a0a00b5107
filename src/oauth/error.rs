//! The errors of the token endpoint, by the codes of RFC 6749 §5.2.

use crate::devices::ProofError;
use crate::jose::dpop::DpopError;
use crate::store::StoreError;

/// Why a token was not issued. The texts are for the developer of the client; they tell nothing
/// about other clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OAuthError {
    /// A parameter is missing, malformed or contradicts another.
    #[error("{0}")]
    InvalidRequest(&'static str),
    /// The client did not authenticate. `401`.
    #[error("The client is unknown, or its credentials are wrong, expired or used before.")]
    InvalidClient,
    /// The client's assertion is right but for its times. `401`.
    #[error(
        "The times of the client assertion are not right: set the clock, or add the difference to `server_time`."
    )]
    ClockSkew {
        /// Seconds since the epoch.
        server_time: i64,
    },
    /// The code or refresh token cannot be used.
    #[error(
        "The code or token is unknown, expired, revoked or used before, or was issued to another client, redirect_uri or \
         code_challenge."
    )]
    InvalidGrant,
    /// The proof beside a refresh token was refused.
    #[error("{error}")]
    InvalidProof {
        error: ProofError,
        /// Wrong proofs that may still follow before the user is disconnected, where they are
        /// limited.
        attempts_left: Option<u32>,
    },
    /// The request does not prove the key that the token is to be bound to (RFC 9449 §5).
    #[error("{0}")]
    InvalidDpopProof(#[from] ProofRefusal),
    /// The authenticator that protects the token, or is to protect it, is not enrolled or no longer
    /// allowed.
    #[error(
        "The authenticator is not enrolled on this device, or the application does not allow it any more."
    )]
    AuthenticatorGone,
    /// The application has PINs and this token is not bound to one.
    #[error(
        "The refresh token has to be bound to an authenticator first: send `authenticator` with it."
    )]
    UnboundRefreshToken,
    /// Wrong proofs used up the attempts: the user is no longer enrolled on the device.
    #[error(
        "Wrong proofs used up the attempts: the user was disconnected from this device and has to log in again."
    )]
    UserDisconnected,
    /// `resource` names nothing this client may have tokens for (RFC 8707 §2).
    #[error("resource: is not a resource server that this client may have tokens for.")]
    InvalidTarget,
    /// The appliance has to poll again: its user has not decided (RFC 8628 §3.5).
    #[error("The user has not decided yet.")]
    AuthorizationPending,
    /// The appliance has to poll again, and less often.
    #[error("The user has not decided yet; ask less often, 5 seconds more apart than before.")]
    SlowDown,
    /// The appliance's user refused.
    #[error("The user did not allow it.")]
    AccessDenied,
    /// The appliance's user did not decide in time.
    #[error("The device_code has expired.")]
    ExpiredToken,
    /// The client is known but may not do this.
    #[error("{0}")]
    UnauthorizedClient(&'static str),
    /// An API client without the permission for this. `403`.
    #[error("The client does not have the permission for this.")]
    InsufficientPermissions,
    #[error("grant_type: is not one this server knows; its metadata lists them.")]
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
            Self::InvalidClient | Self::ClockSkew { .. } => "invalid_client",
            Self::InvalidGrant
            | Self::InvalidProof { .. }
            | Self::AuthenticatorGone
            | Self::UnboundRefreshToken
            | Self::UserDisconnected => "invalid_grant",
            Self::InvalidDpopProof(refusal) => refusal.code(),
            Self::InvalidTarget => "invalid_target",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::AccessDenied => "access_denied",
            Self::ExpiredToken => "expired_token",
            Self::UnauthorizedClient(_) => "unauthorized_client",
            Self::InsufficientPermissions => "insufficient_permissions",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::Unavailable => "temporarily_unavailable",
        }
    }
}

/// Why a DPoP proof was refused (RFC 9449 §7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofRefusal {
    /// There is none, or more than one.
    #[error("exactly one DPoP header is required")]
    Missing,
    /// It was not made for this request.
    #[error(transparent)]
    Invalid(#[from] DpopError),
    #[error("the DPoP proof was used before: each request needs one of its own")]
    Replayed,
    /// It does not contain the nonce of the `DPoP-Nonce` header (RFC 9449 §8).
    #[error("the DPoP proof must have the value of the DPoP-Nonce header as `nonce`")]
    Nonce,
}

impl ProofRefusal {
    /// The code on the wire.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing | Self::Invalid(_) | Self::Replayed => "invalid_dpop_proof",
            Self::Nonce => "use_dpop_nonce",
        }
    }
}

impl From<StoreError> for OAuthError {
    fn from(error: StoreError) -> Self {
        log_unavailable(&error);
        Self::Unavailable
    }
}

/// Clients are only told that the server is unavailable; the cause is logged here, once.
pub(super) fn log_unavailable(error: &StoreError) {
    tracing::error!(%error, "the token server could not use its database");
}
