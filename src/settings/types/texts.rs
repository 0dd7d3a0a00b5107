//! Texts by language code.

use std::collections::BTreeMap;

/// The text in a language, or in English if that language has none.
pub(super) fn in_language<'a>(
    texts: &'a BTreeMap<String, String>,
    language: Option<&str>,
) -> Option<&'a str> {
    language
        .and_then(|language| texts.get(language))
        // English, because some text is better than none.
        .or_else(|| texts.get("en"))
        .map(String::as_str)
}
