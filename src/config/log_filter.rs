//! What `logs.level` may say. The library that filters takes an unknown word for the name of a module,
//! and then logs nothing at all.

use super::error::ConfigError;

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// A level, or levels for modules, separated by commas: `info,countersign::callbacks=debug`.
pub(super) fn check_log_filter(text: &str) -> Result<(), ConfigError> {
    for part in text.split(',') {
        let (module, level) = match part.split_once('=') {
            Some((module, level)) => (Some(module.trim()), level.trim()),
            None => (None, part.trim()),
        };

        if !LEVELS.iter().any(|known| known.eq_ignore_ascii_case(level)) {
            let levels = LEVELS.join(", ");
            return Err(refused(format!(
                "`{level}` is no level; the levels are {levels}"
            )));
        }

        if module.is_some_and(|module| !is_module(module)) {
            return Err(refused(
                "before a `=` stands the name of a module, such as `countersign::callbacks`"
                    .to_owned(),
            ));
        }
    }

    Ok(())
}

fn is_module(text: &str) -> bool {
    let is_name = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    };

    text.split("::").all(is_name)
}

fn refused(problem: String) -> ConfigError {
    ConfigError::Key {
        place: "logs.level".to_owned(),
        problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_words_are_refused() {
        for text in [
            "info",
            "WARN",
            "off",
            "info,countersign::callbacks=debug",
            "warn, hyper = error",
        ] {
            assert!(check_log_filter(text).is_ok(), "{text}");
        }

        for text in [
            "",
            "warning",
            "inof",
            "info,",
            "countersign",
            "countersign=verbose",
            "=info",
            "info,[request]=debug",
            "a b=info",
        ] {
            assert!(check_log_filter(text).is_err(), "{text}");
        }
    }
}
