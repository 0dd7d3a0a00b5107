//! Collects the problems of one object. Has the checks that several kinds of objects share.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use url::Url;

use crate::settings::problem::Problem;

const NAME_BYTES_MAX: usize = 255;

/// The problems found so far. Their places are fields of the object.
#[derive(Default)]
pub(super) struct Problems(pub(super) Vec<Problem>);

impl Problems {
    /// Adds a problem unless the condition holds.
    pub(super) fn check(
        &mut self,
        holds: bool,
        field: impl Into<String>,
        problem: impl Into<String>,
    ) {
        if !holds {
            self.0.push(Problem::new(field, problem));
        }
    }

    /// A name must be usable in a header, a log and a URL's path.
    pub(super) fn check_name(&mut self, field: impl Into<String>, name: &str) {
        let fits =
            (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.chars().any(char::is_control);
        self.check(
            fits,
            field,
            format!("must have 1 to {NAME_BYTES_MAX} bytes and no control characters"),
        );
    }

    pub(super) fn check_range(
        &mut self,
        field: impl Into<String>,
        value: u32,
        range: RangeInclusive<u32>,
    ) {
        let (from, to) = (range.start(), range.end());
        self.check(
            range.contains(&value),
            field,
            format!("must be from {from} to {to}"),
        );
    }

    /// Checks texts by language code.
    pub(super) fn check_texts(
        &mut self,
        field: &str,
        texts: &BTreeMap<String, String>,
        characters_max: u32,
    ) {
        for (language, text) in texts {
            let fits = !text.is_empty() && text.chars().count() <= characters_max as usize;
            self.check(
                fits,
                format!("{field}.{language}"),
                format!("must have 1 to {characters_max} characters"),
            );

            // The lengths of BCP 47. Whether there is such a language does not matter.
            let is_language_code = (2..=35).contains(&language.len())
                && language
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
            self.check(
                is_language_code,
                field,
                format!("{language:?} is not a language code"),
            );
        }
    }

    /// Checks the user name of Basic credentials.
    pub(super) fn check_username(&mut self, username: &str) {
        self.check_name("username", username);

        // RFC 7617 §2: the first colon ends the user name.
        self.check(
            !username.contains(':'),
            "username",
            "must not contain a colon",
        );
    }

    /// Checks an address that replaces a provider's own.
    pub(super) fn check_endpoint(&mut self, endpoint: Option<&Url>) {
        // The service's paths are appended to it.
        let fits = endpoint.is_none_or(|url| is_http_url(url) && url.query().is_none());
        self.check(
            fits,
            "endpoint",
            "must be an http or https URL without credentials, query and fragment",
        );
    }
}

/// Whether these are characters of a URI (RFC 3986 §2): no blanks, no backslashes, only ASCII.
pub(super) fn has_uri_characters(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte))
}

/// Whether it is an `http` or `https` URL without credentials and fragment.
pub(super) fn is_http_url(url: &Url) -> bool {
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    matches!(url.scheme(), "http" | "https") && url.has_host() && plain
}
