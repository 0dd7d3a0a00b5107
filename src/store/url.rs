//! Which database to use, and where it is.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use url::Url;

use crate::secret::SecretString;

/// Which database, and where. Prints without the password.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// `sqlite:PATH`: a file, embedded in this process.
    Sqlite(PathBuf),
    /// `postgres://USER@HOST/NAME`, as libpq takes it.
    Postgres(SecretString),
}

/// Why a text does not name a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDatabaseUrl {
    #[error("must start with `sqlite:` or `postgres://`")]
    UnknownScheme,
    #[error("must name a file after `sqlite:`")]
    NoPath,
    #[error(
        "must name a file: a database in memory belongs to one connection and cannot be shared"
    )]
    InMemory,
    #[error("is not a valid PostgreSQL URL")]
    Malformed,
}

impl DatabaseUrl {
    /// The URL for libpq; `None` for SQLite. Where it sets no timeouts, defaults are added, so that
    /// a dead network is noticed.
    pub(super) fn libpq(&self) -> Option<SecretString> {
        let Self::Postgres(secret) = self else {
            return None;
        };
        let mut url = Url::parse(secret.expose()).ok()?;
        for (name, value) in [
            ("connect_timeout", "5"),
            ("tcp_user_timeout", "15000"),
            ("application_name", "countersign"),
        ] {
            if !url.query_pairs().any(|(given, _)| given == name) {
                url.query_pairs_mut().append_pair(name, value);
            }
        }

        Some(SecretString::new(url.into()))
    }

    /// Whether the database is embedded in this process.
    #[must_use]
    pub const fn is_embedded(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }
}

impl FromStr for DatabaseUrl {
    type Err = InvalidDatabaseUrl;

    fn from_str(text: &str) -> Result<Self, InvalidDatabaseUrl> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return match path {
                "" => Err(InvalidDatabaseUrl::NoPath),
                ":memory:" => Err(InvalidDatabaseUrl::InMemory),
                _ => Ok(Self::Sqlite(Path::new(path).to_owned())),
            };
        }

        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(InvalidDatabaseUrl::UnknownScheme);
        }

        Url::parse(text).map_err(|_| InvalidDatabaseUrl::Malformed)?;

        Ok(Self::Postgres(SecretString::new(text.to_owned())))
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(secret) => f.write_str(&masked(secret.expose())),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The URL without its password, and without its query, which may contain one too.
fn masked(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else {
        return "postgres://***".to_owned();
    };
    url.set_query(None);

    if url.password().is_some() && url.set_password(Some("***")).is_err() {
        return "postgres://***".to_owned();
    }

    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_parsed() {
        let sqlite = |path: &str| Ok(DatabaseUrl::Sqlite(path.into()));
        let cases = [
            ("sqlite:a.db", sqlite("a.db")),
            ("sqlite:/var/lib/a.db", sqlite("/var/lib/a.db")),
            ("sqlite:///var/lib/a.db", sqlite("/var/lib/a.db")),
            ("sqlite:", Err(InvalidDatabaseUrl::NoPath)),
            ("sqlite::memory:", Err(InvalidDatabaseUrl::InMemory)),
            ("mysql://a/b", Err(InvalidDatabaseUrl::UnknownScheme)),
            ("postgres://[", Err(InvalidDatabaseUrl::Malformed)),
        ];

        for (text, expected) in cases {
            assert_eq!(text.parse::<DatabaseUrl>(), expected, "{text}");
        }
    }

    #[test]
    fn passwords_do_not_print() {
        let url: DatabaseUrl = "postgres://joe:hunter2@db:5433/app?password=hunter2"
            .parse()
            .unwrap();
        assert_eq!(url.to_string(), "postgres://joe:***@db:5433/app");
        assert_eq!(format!("{url:?}"), url.to_string());
    }

    #[test]
    fn waits_are_bounded_unless_the_url_bounds_them() {
        let url: DatabaseUrl = "postgres://db/app?connect_timeout=9".parse().unwrap();
        let libpq = url.libpq().unwrap();
        assert!(
            libpq.expose().contains("connect_timeout=9&"),
            "{}",
            libpq.expose()
        );

        assert!(libpq.expose().contains("tcp_user_timeout=15000"));
    }
}
