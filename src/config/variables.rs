//! The variables `COUNTERSIGN_SECTION__KEY`.
//!
//! One table lists each key with the kind of its value. A password of digits therefore stays text,
//! and the error about an invalid number names the variable.

use super::error::ConfigError;

const PREFIX: &str = "COUNTERSIGN_";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Secret,
    Number,
    Switch,
    /// Separated by commas.
    List,
}

const KEYS: &[(&str, &str, Kind)] = &[
    ("server", "public_address", Kind::Text),
    ("server", "management_address", Kind::Text),
    ("server", "public_url", Kind::Text),
    ("server", "trusted_proxies", Kind::List),
    ("server", "body_bytes_max", Kind::Number),
    ("server", "workers", Kind::Number),
    ("server", "drain_delay_seconds", Kind::Number),
    ("server", "shutdown_timeout_seconds", Kind::Number),
    ("database", "url", Kind::Secret),
    ("database", "readers", Kind::Number),
    ("database", "queue_max", Kind::Number),
    ("database", "journal_batch_max", Kind::Number),
    ("database", "busy_timeout_millis", Kind::Number),
    ("secrets", "master_key", Kind::Secret),
    ("login", "login_url", Kind::Text),
    ("login", "consent_url", Kind::Text),
    ("pages", "product_name", Kind::Text),
    ("pages", "logo", Kind::Text),
    ("pages", "accent_color", Kind::Text),
    ("pages", "texts", Kind::Text),
    ("development", "login_page", Kind::Switch),
    ("proxy", "url", Kind::Text),
    ("proxy", "username", Kind::Text),
    ("proxy", "password", Kind::Secret),
    ("limits", "live_transactions_max", Kind::Number),
    ("limits", "requests_in_flight_max", Kind::Number),
    ("limits", "waiting_requests_max", Kind::Number),
    ("limits", "callbacks_in_flight_max", Kind::Number),
    ("limits", "callbacks_per_host_max", Kind::Number),
    ("retention", "events_days", Kind::Number),
    ("retention", "delivered_callbacks_days", Kind::Number),
    ("retention", "dead_callbacks_days", Kind::Number),
    ("retention", "unused_devices_days", Kind::Number),
    ("logs", "format", Kind::Text),
    ("logs", "level", Kind::Text),
    ("logs", "requests", Kind::Switch),
];

/// Whether the value of `section.key` is a secret.
pub(super) fn is_secret(place: &str) -> bool {
    place.split_once('.').is_some_and(|place| {
        KEYS.iter()
            .any(|&(section, key, kind)| kind == Kind::Secret && place == (section, key))
    })
}

/// The layer of the variables, in the form that a file has.
pub(super) fn table(
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<toml::Table, ConfigError> {
    let mut table = toml::Table::new();

    for (name, value) in environment {
        let Some(rest) = name.strip_prefix(PREFIX) else {
            continue;
        };
        if rest == "CONFIG" || is_of_kubernetes(rest) {
            continue;
        }

        let (section, key, kind, from_file) =
            find(rest).ok_or_else(|| ConfigError::UnknownVariable(name.clone()))?;
        let value = if from_file {
            read_secret(&value)?
        } else {
            value
        };

        let value = parse(&name, kind, value)?;

        let section = table
            .entry(section)
            .or_insert_with(|| toml::Value::Table(toml::Table::new()));
        let earlier = section
            .as_table_mut()
            .and_then(|section| section.insert(key.to_owned(), value));

        if earlier.is_some() {
            let problem = "is given both as a value and as a file: remove one of them";
            return Err(ConfigError::Variable {
                variable: name,
                problem,
            });
        }
    }

    Ok(table)
}

/// Kubernetes sets variables for every service of a namespace. Those of a service named
/// `countersign` have this server's prefix.
fn is_of_kubernetes(rest: &str) -> bool {
    !rest.contains("__")
        && (rest.contains("SERVICE_HOST")
            || rest.contains("SERVICE_PORT")
            || rest == "PORT"
            || rest.ends_with("_PORT")
            || rest.starts_with("PORT_")
            || rest.contains("_PORT_"))
}

fn find(rest: &str) -> Option<(&'static str, &'static str, Kind, bool)> {
    let (section, key) = rest.split_once("__")?;
    KEYS.iter().find_map(|&(known_section, known_key, kind)| {
        let tail = known_section
            .eq_ignore_ascii_case(section)
            .then(|| strip_prefix_ignoring_case(key, known_key))??;
        match tail {
            "" => Some((known_section, known_key, kind, false)),
            "_FILE" if kind == Kind::Secret => Some((known_section, known_key, kind, true)),
            _ => None,
        }
    })
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, tail) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(tail)
}

/// A final line break belongs to the file, not to the secret.
fn read_secret(path: &str) -> Result<String, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
        path: path.into(),
        source,
    })?;
    Ok(text
        .strip_suffix('\n')
        .map_or(text.as_str(), |text| {
            text.strip_suffix('\r').unwrap_or(text)
        })
        .to_owned())
}

fn parse(name: &str, kind: Kind, value: String) -> Result<toml::Value, ConfigError> {
    match kind {
        Kind::List => Ok(toml::Value::Array(
            value
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(|item| toml::Value::String(item.to_owned()))
                .collect(),
        )),
        Kind::Text | Kind::Secret => Ok(toml::Value::String(value)),
        Kind::Number => {
            let number = value.trim().parse();
            number
                .map(toml::Value::Integer)
                .map_err(|_| ConfigError::Variable {
                    variable: name.to_owned(),
                    problem: "must be a whole number",
                })
        }
        Kind::Switch => {
            let switch = value.trim().parse();
            switch
                .map(toml::Value::Boolean)
                .map_err(|_| ConfigError::Variable {
                    variable: name.to_owned(),
                    problem: "must be true or false",
                })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    #[test]
    fn the_table_has_every_key_and_no_other() {
        let config = Config {
            secrets: super::super::SecretsConfig {
                master_key: Some("x".to_owned().into()),
            },
            login: super::super::LoginConfig {
                login_url: "http://x".parse().ok(),
                consent_url: "http://x".parse().ok(),
            },
            pages: super::super::PagesConfig {
                logo: Some("x.svg".into()),
                texts: Some("x".into()),
                ..super::super::PagesConfig::default()
            },
            proxy: super::super::ProxyConfig {
                url: "http://x".parse().ok(),
                username: Some("x".to_owned()),
                password: Some("x".to_owned().into()),
            },
            ..Config::default()
        };

        let sections: toml::Table = config.masked().parse().unwrap();
        let mut keys: Vec<(String, String)> = Vec::new();
        for (section, values) in sections {
            keys.extend(
                values
                    .as_table()
                    .unwrap()
                    .keys()
                    .map(|key| (section.clone(), key.clone())),
            );
        }

        let mut listed: Vec<_> = KEYS
            .iter()
            .map(|(section, key, _)| ((*section).to_owned(), (*key).to_owned()))
            .collect();

        keys.sort();
        listed.sort();
        assert_eq!(keys, listed);
    }
}
