//! How documents hold secrets.

use crate::secret::SecretString;
use crate::settings::problem::Problem;

/// Turns the text that a document has in place of a secret into the secret.
pub(in crate::settings) trait SecretReader {
    /// Reads a secret. The field's name is for errors and to know which secret it is.
    fn secret(&self, field: &'static str, written: &str) -> Result<SecretString, Problem>;

    /// Reads a long text that is not secret, such as a certificate, which may be in a file too.
    fn text(&self, field: &'static str, written: &str) -> Result<String, Problem>;
}

/// Turns a secret into the text that a document has in its place.
pub(in crate::settings) trait SecretWriter {
    fn secret(&self, field: &'static str, secret: &SecretString) -> String;
}

/// The names of the fields that hold secrets, in documents whose fields are fixed.
pub(in crate::settings) const SECRET_FIELDS: &[&str] = &[
    "auth_token",
    "client_secret",
    "client_secrets",
    "password",
    "signing_secret",
    "signing_secrets",
    "token",
];
