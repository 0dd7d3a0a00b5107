//! What a text message says.
//!
//! A message may end in a line that binds its code to a website, `@host #code` (WICG, "Origin-bound
//! one-time codes delivered via SMS"): phones then offer the code on that site only. Whoever writes
//! this line decides which site gets the code. So only the server writes it, and a template that
//! contains such a line is refused.

use crate::secret::SecretString;

/// Where the code goes.
const PLACEHOLDER: &str = "{code}";

/// Why a text cannot be the template of a text message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTemplate {
    /// A control character other than a line feed.
    #[error("must not contain control characters")]
    ControlCharacter,
    /// A line that binds a code to a website.
    #[error("must not contain a line of the form @host #code")]
    OriginBound,
}

/// Checks that a text from a website may be the template of a text message.
pub fn check_template(template: &str) -> Result<(), InvalidTemplate> {
    if template
        .chars()
        .any(|character| character.is_control() && character != '\n')
    {
        return Err(InvalidTemplate::ControlCharacter);
    }

    // Some phones end a line at U+2028 and U+2029, too.
    let mut lines = template.split(['\n', '\u{2028}', '\u{2029}']);
    if lines.any(is_origin_bound) {
        Err(InvalidTemplate::OriginBound)
    } else {
        Ok(())
    }
}

/// Whether even a lenient parser could take the line for one that binds a code. The format itself
/// has no indentation; a parser may skip it all the same.
fn is_origin_bound(line: &str) -> bool {
    let visible = |character: char| !character.is_whitespace() && !is_invisible(character);
    line.chars().find(|&character| visible(character)) == Some('@') && line.contains('#')
}

/// Characters without width: they may precede the `@` unseen.
const fn is_invisible(character: char) -> bool {
    matches!(character, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

/// The text of the message: the template with the code in place of `{code}`, or the code alone where
/// the template has no `{code}`. With `web_origin`, the last line binds the code to that host.
#[must_use]
pub fn render(template: &str, code: &str, web_origin: Option<&str>) -> SecretString {
    let mut text = if template.contains(PLACEHOLDER) {
        template.replace(PLACEHOLDER, code)
    } else {
        code.to_owned()
    };

    if let Some(host) = web_origin {
        text.push_str("\n@");
        text.push_str(host);
        text.push_str(" #");
        text.push_str(code);
    }

    SecretString::new(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert_eq, proptest};

    use super::*;

    /// What a phone reads from a message: the host and the code of its last line (WICG, "Parsing").
    fn origin_bound_code(message: &str) -> Option<(&str, &str)> {
        let line = message.rsplit('\n').next()?.strip_prefix('@')?;
        let (host, rest) = line.split_once(' ')?;
        let code = rest.strip_prefix('#')?.split_ascii_whitespace().next()?;
        (!host.is_empty() && !host.contains(|c: char| c.is_ascii_whitespace()))
            .then_some((host, code))
    }

    proptest! {
        #[test]
        fn phones_read_the_servers_line_or_none(template in "(\\PC|\n|@|#| |\\{code\\}){0,40}", code in "[0-9]{6}") {
            let bound = render(&template, &code, Some("portal.example"));
            prop_assert_eq!(origin_bound_code(bound.expose()), Some(("portal.example", code.as_str())));
            if check_template(&template).is_ok() {
                let unbound = render(&template, &code, None);
                prop_assert_eq!(origin_bound_code(unbound.expose()), None);
            }
        }
    }

    #[test]
    fn the_code_goes_where_the_placeholder_is() {
        let cases = [
            ("Your code is {code}.", None, "Your code is 012345."),
            ("{code} or {code}", None, "012345 or 012345"),
            ("{{code}}", None, "{012345}"),
            ("{co{code}de}", None, "{co012345de}"),
            ("{CODE}", None, "012345"),
            ("Akkoord?", None, "012345"),
            ("", None, "012345"),
            (
                "Code: {code}",
                Some("portal.example"),
                "Code: 012345\n@portal.example #012345",
            ),
            (
                "Akkoord?",
                Some("portal.example"),
                "012345\n@portal.example #012345",
            ),
        ];

        for (template, origin, text) in cases {
            assert_eq!(render(template, "012345", origin).expose(), text);
        }
    }

    #[test]
    fn a_long_text_does_not_cut_the_last_line() {
        let text = render(
            &format!("{} {{code}}", "x".repeat(2000)),
            "012345",
            Some("portal.example"),
        );

        assert!(text.expose().ends_with("012345\n@portal.example #012345"));
    }

    #[test]
    fn only_the_server_binds_codes_to_websites() {
        let refused = [
            "@evil.example #{code}",
            "Your code is {code}\n@evil.example #{code}",
            "{code}\n  @evil.example #123456",
            "{code}\u{2028}@evil.example #{code}",
            "{code}\n\u{200B}@evil.example #{code}",
            "{code}\n@evil.example #{code}\nthanks",
        ];

        for template in refused {
            assert_eq!(
                check_template(template),
                Err(InvalidTemplate::OriginBound),
                "{template}"
            );
        }

        for template in [
            "{code}\r@evil.example #{code}",
            "bell\u{7}",
            "tab\t{code}",
            "\u{85}",
        ] {
            assert_eq!(
                check_template(template),
                Err(InvalidTemplate::ControlCharacter),
                "{template:?}"
            );
        }

        for template in [
            "{code} for you@portal.example",
            "Pay #1 with {code}",
            "Line\n{code} @home",
            "@home\n{code}",
            "",
        ] {
            assert_eq!(check_template(template), Ok(()), "{template}");
        }
    }
}
