//! Texts by language code.

use std::collections::BTreeMap;

/// The text in a language, or in the nearest one that is less specific (RFC 4647 §3.4): what there is
/// for `nl` for `nl-BE` and `nl_BE`. In English where there is none.
pub(super) fn in_language<'a>(
    texts: &'a BTreeMap<String, String>,
    language: Option<&str>,
) -> Option<&'a str> {
    language
        .and_then(|range| look_up(texts, range))
        // English, because some text is better than none.
        .or_else(|| look_up(texts, "en"))
}

fn look_up<'a>(texts: &'a BTreeMap<String, String>, range: &str) -> Option<&'a str> {
    let mut range = normalized(range);

    loop {
        if let Some((_, text)) = texts.iter().find(|(tag, _)| normalized(tag) == range) {
            return Some(text);
        }

        range.truncate(range.rfind('-')?);
        // A subtag of one character says what those after it are: alone it means nothing.
        if range.len() >= 2 && range.rfind('-') == Some(range.len() - 2) {
            range.truncate(range.len() - 2);
        }
    }
}

/// Tags are compared regardless of case; many systems write `nl_BE`.
fn normalized(tag: &str) -> String {
    tag.trim().replace('_', "-").to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_language_is_found() {
        let texts: BTreeMap<String, String> = ["en", "nl", "pt-BR", "zh-Hant", "de_AT"]
            .map(|tag| (tag.to_owned(), tag.to_owned()))
            .into();

        for (range, expected) in [
            ("nl", "nl"),
            ("nl-NL", "nl"),
            ("nl_BE", "nl"),
            ("NL", "nl"),
            ("pt-br", "pt-BR"),
            ("pt-BR-x-bank", "pt-BR"),
            ("zh-Hant-TW", "zh-Hant"),
            ("de-AT", "de_AT"),
            // Nothing less specific is there.
            ("pt", "en"),
            ("zh-Hans-CN", "en"),
            ("de", "en"),
            ("fr", "en"),
            ("", "en"),
            ("-", "en"),
            ("en-GB", "en"),
        ] {
            assert_eq!(in_language(&texts, Some(range)), Some(expected), "{range}");
        }

        assert_eq!(in_language(&texts, None), Some("en"));
        assert_eq!(in_language(&BTreeMap::new(), Some("nl")), None);
    }
}
