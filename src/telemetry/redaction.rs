//! What is never logged, whatever a log statement contains.
//!
//! Secrets have types that do not print themselves, which should be enough. This is the second line
//! of defence: fields with certain names are masked, and records of other crates are only logged
//! from level `INFO` on, because details may contain data that passes through them.

use tracing::{Level, Metadata};

pub(super) const MASK: &str = "********";

/// Names of fields that hold secrets, codes, tokens, phone numbers or push addresses. Sorted.
const NEVER_LOGGED: &[&str] = &[
    "access_token",
    "address",
    "assertion",
    "auth_key",
    "auth_token",
    "authorization",
    "body",
    "client_assertion",
    "client_secret",
    "client_secrets",
    "code",
    "code_verifier",
    "cookie",
    "credentials",
    "jwk",
    "jwks",
    "key",
    "login_challenge",
    "master_key",
    "otp",
    "password",
    "phone_number",
    "pin",
    "private_key",
    "push_address",
    "push_token",
    "query",
    "refresh_token",
    "registration_access_token",
    "secret",
    "secure_message",
    "service_account",
    "signing_data",
    "signing_secret",
    "signing_secrets",
    "sms_code",
    "token",
    "user_code",
    "verifier",
];

/// Whether a field's value must be masked. Only the last part of a dotted name matters.
pub(super) fn is_secret(field: &str) -> bool {
    let name = field.rsplit('.').next().unwrap_or(field);
    NEVER_LOGGED.binary_search(&name).is_ok()
}

/// Whether a record may be written.
pub(super) fn is_harmless(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with("countersign") || *metadata.level() <= Level::INFO
}

/// Escapes control characters, so that no value can start a new line.
pub(super) fn on_one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }

    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_for_the_binary_search() {
        assert!(NEVER_LOGGED.is_sorted());
        assert!(
            is_secret("password") && is_secret("http.authorization") && !is_secret("passwords")
        );
    }

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(on_one_line("a\r\nb\u{1b}[0m é"), "a\\r\\nb\\u{1b}[0m é");
    }
}
