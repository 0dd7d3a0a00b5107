//! What a text that a person reads and approves may contain.

use super::error::{WebsiteError, invalid_parameter};

/// Checks an optional text, at most `bytes_max` bytes long.
pub(super) fn check_optional(
    parameter: &'static str,
    text: Option<&str>,
    bytes_max: usize,
) -> Result<(), WebsiteError> {
    let Some(text) = text else { return Ok(()) };

    if text.len() > bytes_max {
        let problem = format!("must not be longer than {bytes_max} bytes");
        return Err(invalid_parameter(parameter, problem));
    }

    check(parameter, text)
}

/// Checks a text. It must not be empty, and must not look different from what is signed.
pub(super) fn check(parameter: &'static str, text: &str) -> Result<(), WebsiteError> {
    if text.chars().any(is_deceptive) {
        return Err(invalid_parameter(
            parameter,
            "must not contain control characters or characters that change the direction of text",
        ));
    }

    if text.is_empty() {
        return Err(invalid_parameter(parameter, "must not be empty"));
    }

    Ok(())
}

/// Whether a character can hide or reorder text: control characters, those that change the
/// direction of text (UAX #9), and invisible tags.
fn is_deceptive(character: char) -> bool {
    match character {
        // People may be shown paragraphs.
        '\n' => false,
        '\u{202A}'..='\u{202E}'
        | '\u{2066}'..='\u{2069}'
        | '\u{200E}'
        | '\u{200F}'
        | '\u{061C}' => true,
        // Invisible, and still part of what is signed.
        '\u{E0000}'..='\u{E007F}' => true,
        other => other.is_control(),
    }
}
