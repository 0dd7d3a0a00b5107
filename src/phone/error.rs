//! What can go wrong on a phone's side.

use std::fmt;

use crate::ids::UserId;
use crate::jose::JoseError;

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
pub enum PhoneError {
    /// The server said no.
    #[error("the server answered {status} {refusal}")]
    Refused {
        status: u16,
        /// What the body said.
        refusal: Refusal,
    },
    /// The server could not be reached, or went away in the middle.
    #[error("the server cannot be reached: {0}")]
    Unreachable(#[source] reqwest::Error),
    /// The server answered something that is not of the protocol.
    #[error("the server's answer is not understood: {0}")]
    UnexpectedAnswer(&'static str),
    /// The login page did not let the user in, or its answer belongs to another attempt.
    #[error("the log-in failed: {0}")]
    LogInFailed(String),
    /// What is asked for needs the user to log in, for the first time or again.
    #[error("{0} is not logged in on this phone")]
    NotLoggedIn(UserId),
    /// What is asked for needs a new access token, which the user's PIN or another authenticator is
    /// to be refreshed with.
    #[error("{0} has to be there: refresh with the PIN or another authenticator")]
    AuthenticatorNeeded(UserId),
    /// There is no refresh token of this authenticator.
    #[error("there is no refresh token for this authenticator (`{0}`) on this phone")]
    NoRefreshToken(String),
    /// What is asked for needs keys that this phone does not have.
    #[error("no user of this phone has enrolled keys for this")]
    NotEnrolled,
    /// What the server sealed cannot be opened with the enrolled key.
    #[error("the sealed content cannot be opened with the enrolled key")]
    NotOpened,
    /// What the server showed is not what it asks to be signed.
    #[error("the content digest does not belong to the content")]
    DigestMismatch,
    /// A key or a signature could not be made.
    #[error("cryptography: the key or message {0}")]
    Cryptography(#[source] JoseError),
    /// The file with the phone's state cannot be read or written.
    #[error("the phone's state file: {0}")]
    State(#[from] std::io::Error),
}

impl PhoneError {
    /// The server's error code, if it was the server that said no.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { refusal, .. } => Some(&refusal.code),
            _ => None,
        }
    }

    /// How many wrong answers are left, if the server said so.
    #[must_use]
    pub fn attempts_left(&self) -> Option<u32> {
        match self {
            Self::Refused { refusal, .. } => refusal.attempts_left,
            _ => None,
        }
    }
}

/// The body of a refusal, whichever of the server's shapes it has: problem details (RFC 9457) or
/// OAuth (RFC 6749 §5.2).
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// `code` or `error`; empty if the body is neither.
    pub code: String,
    /// `detail` or `error_description`.
    pub detail: Option<String>,
    /// `attempts_left`.
    pub attempts_left: Option<u32>,
}

impl Refusal {
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

impl fmt::Display for Refusal {
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
    fn a_refusal_is_understood_in_each_of_its_shapes() {
        let problem =
            Refusal::from_body(br#"{"code":"invalid_answer","detail":"No.","attempts_left":2}"#);
        assert_eq!(
            (problem.code.as_str(), problem.attempts_left),
            ("invalid_answer", Some(2))
        );

        let oauth = Refusal::from_body(br#"{"error":"invalid_grant","error_description":"Gone."}"#);
        assert_eq!(
            (oauth.code.as_str(), oauth.detail.as_deref()),
            ("invalid_grant", Some("Gone."))
        );
        assert_eq!(Refusal::from_body(b"<html>"), Refusal::default());
    }
}
