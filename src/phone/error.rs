//! Errors of the phone.

use std::fmt;

use crate::ids::UserId;
use crate::jose::JoseError;

#[derive(Debug, thiserror::Error)]
pub enum PhoneError {
    /// The server refused the request.
    #[error("the server answered {status} {error}")]
    Refused { status: u16, error: ServerError },
    /// The server could not be reached, or the connection broke.
    #[error("the server cannot be reached: {0}")]
    Unreachable(#[source] reqwest::Error),
    /// The response does not follow the protocol.
    #[error("the server's answer is not understood: {0}")]
    UnexpectedAnswer(&'static str),
    /// The login page refused the user, or its response belongs to another log-in.
    #[error("the log-in failed: {0}")]
    LogInFailed(String),
    /// The user has to log in.
    #[error("{0} is not logged in on this phone")]
    NotLoggedIn(UserId),
    /// The user has to refresh with the PIN or another authenticator.
    #[error("{0} has to be there: refresh with the PIN or another authenticator")]
    AuthenticatorNeeded(UserId),
    #[error("there is no refresh token for this authenticator (`{0}`) on this phone")]
    NoRefreshToken(String),
    /// The phone does not have the keys of this user or profile.
    #[error("no user of this phone has enrolled keys for this")]
    NotEnrolled,
    #[error("the sealed content cannot be opened with the enrolled key")]
    NotOpened,
    /// The server wants the phone to sign something else than it showed.
    #[error("the content digest does not belong to the content")]
    DigestMismatch,
    #[error("cryptography: the key or message {0}")]
    Cryptography(#[source] JoseError),
    #[error("the phone's state file: {0}")]
    State(#[from] std::io::Error),
}

impl PhoneError {
    /// The error code, if the server refused the request.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { error, .. } => Some(&error.code),
            _ => None,
        }
    }

    /// The remaining attempts of the authenticator, if the server sent them.
    #[must_use]
    pub fn attempts_left(&self) -> Option<u32> {
        match self {
            Self::Refused { error, .. } => error.attempts_left,
            _ => None,
        }
    }
}

/// The body of an error response: problem details (RFC 9457) or an OAuth error (RFC 6749 §5.2).
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ServerError {
    /// `code` or `error`; empty if the body has neither.
    pub code: String,
    /// `detail` or `error_description`.
    pub detail: Option<String>,
    pub attempts_left: Option<u32>,
}

impl ServerError {
    pub(super) fn from_body(body: &[u8]) -> Self {
        let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |name: &str| {
            body.get(name)
                .and_then(serde_json::Value::as_str)
                .map(str::to_owned)
        };

        Self {
            code: text("code").or_else(|| text("error")).unwrap_or_default(),
            detail: text("detail").or_else(|| text("error_description")),
            attempts_left: body
                .get("attempts_left")
                .and_then(|left| left.as_u64()?.try_into().ok()),
        }
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.code)?;
        self.detail
            .iter()
            .try_for_each(|detail| write!(f, ": {detail}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_formats_of_errors_are_understood() {
        let problem = ServerError::from_body(
            br#"{"code":"invalid_answer","detail":"No.","attempts_left":2}"#,
        );
        assert_eq!(
            (problem.code.as_str(), problem.attempts_left),
            ("invalid_answer", Some(2))
        );

        let oauth =
            ServerError::from_body(br#"{"error":"invalid_grant","error_description":"Gone."}"#);
        assert_eq!(
            (oauth.code.as_str(), oauth.detail.as_deref()),
            ("invalid_grant", Some("Gone."))
        );

        assert_eq!(ServerError::from_body(b"<html>"), ServerError::default());
    }
}
