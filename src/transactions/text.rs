//! What a text that a person reads and approves may contain. Pure.
//!
//! It must look like what is signed. So nothing in it may hide, or reorder what stands around it:
//! control characters, overrides and embeddings of direction, isolates that are not closed, and
//! invisible tags are refused. What languages written from right to left need is taken: marks of
//! direction, and isolates that are closed (UAX #9 §2).

use std::borrow::Cow;

use super::error::{WebsiteError, invalid_parameter};

/// The black flag, which tags make the flag of a region.
const FLAG: char = '\u{1F3F4}';
/// Ends a sequence of tags.
const CANCEL_TAG: char = '\u{E007F}';
/// The most tags of a flag: a country and a region (UTS #51, Annex C).
const FLAG_TAGS_MAX: usize = 6;

const UNCLOSED: &str = "must close each isolate of direction, and no other";
const TAGS: &str = "must not contain invisible tags, except in flags of regions";

/// A text as it is shown and signed: lines end in one way, whatever the website's system writes.
pub(super) fn folded(text: &str) -> Cow<'_, str> {
    if text.contains("\r\n") {
        text.replace("\r\n", "\n").into()
    } else {
        text.into()
    }
}

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
    if text.is_empty() {
        return Err(invalid_parameter(parameter, "must not be empty"));
    }

    match problem_of(text) {
        Some(problem) => Err(invalid_parameter(parameter, problem)),
        None => Ok(()),
    }
}

fn problem_of(text: &str) -> Option<&'static str> {
    let mut isolates = 0_u32;
    let mut characters = text.chars();

    while let Some(character) = characters.next() {
        match character {
            // People may be shown paragraphs and columns.
            '\n' | '\t' => {}
            // Only where it ends a line: alone it would have the next text written over this one.
            '\r' if characters.as_str().starts_with('\n') => {}
            FLAG => match after_tags(characters.as_str()) {
                Some(rest) => characters = rest.chars(),
                None => return Some(TAGS),
            },
            '\u{202A}'..='\u{202E}' => {
                return Some("must not contain characters that override the direction of text");
            }
            '\u{2066}'..='\u{2068}' => isolates += 1,
            '\u{2069}' => match isolates.checked_sub(1) {
                Some(left) => isolates = left,
                None => return Some(UNCLOSED),
            },
            // Invisible, and still part of what is signed.
            '\u{E0000}'..='\u{E007F}' => return Some(TAGS),
            other if other.is_control() => {
                return Some("must not contain control characters");
            }
            _ => {}
        }
    }

    (isolates > 0).then_some(UNCLOSED)
}

/// What follows the tags after a flag, if there are any. `None` where they make no flag.
fn after_tags(rest: &str) -> Option<&str> {
    let is_tag = |character: &char| matches!(character, '\u{E0030}'..='\u{E0039}' | '\u{E0061}'..='\u{E007A}');
    let tags: Vec<char> = rest.chars().take_while(is_tag).collect();
    if tags.is_empty() {
        return Some(rest);
    }

    let length: usize = tags.iter().map(|tag| tag.len_utf8()).sum();
    let after = rest.get(length..)?.strip_prefix(CANCEL_TAG)?;
    (tags.len() <= FLAG_TAGS_MAX).then_some(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_all_languages_are_taken() {
        for text in [
            "Pay 10 EUR?\nTo: Alice",
            "Pay\r\nTo:\tAlice",
            "שלום\u{200F} (Bank)\u{200E}",
            "\u{061C}مرحبا",
            "To \u{2068}أحمد\u{2069}: 10 EUR",
            "\u{2066}a \u{2067}b\u{2069} c\u{2069}",
            "🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F} wins",
            "🏴 👨\u{200D}👩\u{200D}👧 ❤\u{FE0F}",
            "न\u{200C}ी",
        ] {
            assert_eq!(problem_of(text), None, "{text:?}");
        }
    }

    #[test]
    fn what_hides_or_reorders_is_refused() {
        for text in [
            "a\u{0}b",
            "a\u{1b}[2J",
            "a\rb",
            "a\r",
            "a\u{85}b",
            "a\u{202E}b",
            "a\u{202A}b\u{202C}",
            "a\u{2066}b",
            "a\u{2069}b",
            "a\u{2069}b\u{2066}",
            "a\u{E0041}b",
            "a\u{E0001}\u{E0065}\u{E006E}",
            "a\u{E007F}",
            // Not closed, too long, or after something else.
            "🏴\u{E0067}\u{E0062}",
            "🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E0067}\u{E0067}\u{E007F}",
            "🏳\u{E0067}\u{E0062}\u{E007F}",
        ] {
            assert!(problem_of(text).is_some(), "{text:?}");
        }
    }

    #[test]
    fn lines_end_in_one_way() {
        assert_eq!(folded("a\r\nb\n\r\n"), "a\nb\n\n");
        assert!(matches!(folded("a\nb"), Cow::Borrowed(_)));
    }
}
