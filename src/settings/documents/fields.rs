//! Fields that several documents have.

use super::secrets::{SecretReader, SecretWriter};
use crate::secret::SecretString;
use crate::settings::problem::Problem;

/// A field that must be present. `context` says when, such as "for ios".
pub(super) fn required<T>(
    field: &'static str,
    value: Option<T>,
    context: &str,
) -> Result<T, Problem> {
    value.ok_or_else(|| Problem::new(field, format!("is required {context}")))
}

/// Refuses a field that must be absent.
pub(super) fn absent<T>(
    field: &'static str,
    value: Option<&T>,
    context: &str,
) -> Result<(), Problem> {
    match value {
        None => Ok(()),
        Some(_) => Err(Problem::new(field, format!("is not allowed {context}"))),
    }
}

/// Reads Basic credentials, which have both parts or none.
pub(super) fn read_credentials(
    username: Option<String>,
    password: Option<&str>,
    secrets: &dyn SecretReader,
) -> Result<Option<(String, SecretString)>, Problem> {
    match (username, password) {
        (None, None) => Ok(None),
        (Some(username), Some(password)) => {
            Ok(Some((username, secrets.secret("password", password)?)))
        }
        // Half of the credentials is a slip, and to send none instead would hide it.
        (Some(_), None) => Err(Problem::new("password", "is required with `username`")),
        (None, Some(_)) => Err(Problem::new("username", "is required with `password`")),
    }
}

/// The fields `username` and `password`.
pub(super) fn write_credentials(
    credentials: Option<&(String, SecretString)>,
    secrets: &dyn SecretWriter,
) -> (Option<String>, Option<String>) {
    credentials
        .map(|(username, password)| (username.clone(), secrets.secret("password", password)))
        .unzip()
}
