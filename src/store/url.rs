//! Which database to use, and where it is.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

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
    #[error(
        "is not a valid PostgreSQL URL: postgres://USER:PASSWORD@HOST:PORT/NAME?PARAMETER=VALUE, with several HOST:PORT separated by commas, or none and `host=` among the parameters"
    )]
    Malformed,
    #[error("must be percent-encoded: a `#` is %23, a blank %20, a `%` %25")]
    NotEncoded,
}

impl DatabaseUrl {
    /// The URL for libpq; `None` for SQLite. Where it sets no timeouts, defaults are added, so that
    /// a dead network is noticed.
    pub(super) fn libpq(&self) -> Option<SecretString> {
        let Self::Postgres(secret) = self else {
            return None;
        };
        let mut url = with_system_roots(secret.expose());

        for (name, value) in [
            ("connect_timeout", "5"),
            ("tcp_user_timeout", "15000"),
            ("application_name", "countersign"),
        ] {
            if !parameters(&url).any(|(given, _)| given == name) {
                let separator = if url.contains('?') { '&' } else { '?' };
                url.push_str(&format!("{separator}{name}={value}"));
            }
        }

        Some(SecretString::new(url))
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
            // `sqlite://PATH` is how other programs write it.
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

        // A `#` begins nothing in libpq's URLs, and elsewhere a fragment: a password is cut short.
        let authority = authority(text).ok_or(InvalidDatabaseUrl::Malformed)?;
        if text.contains('#') || text.chars().any(char::is_whitespace) {
            return Err(InvalidDatabaseUrl::NotEncoded);
        }

        // After the last `@`: libpq reads it so, too, where a password has one.
        let hosts = authority
            .rsplit_once('@')
            .map_or(authority, |(_, hosts)| hosts);
        if hosts.split(',').any(|host| !is_host(host)) {
            return Err(InvalidDatabaseUrl::Malformed);
        }

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

/// The URL with `sslrootcert=system` replaced by the file of the system's root certificates. The OpenSSL
/// that is compiled in does not know where this system keeps them. As in libpq, the whole certificate
/// is verified then, unless `sslmode` is given.
fn with_system_roots(url: &str) -> String {
    const SYSTEM: &str = "sslrootcert=system";

    let is_asked = parameters(url).any(|parameter| parameter == ("sslrootcert", "system"));
    let file = openssl_probe::probe().cert_file;
    let Some(file) = file.as_deref().and_then(Path::to_str).filter(|_| is_asked) else {
        return url.to_owned();
    };

    let mut url = url.replacen(SYSTEM, &format!("sslrootcert={file}"), 1);
    if !parameters(&url).any(|(name, _)| name == "sslmode") {
        url.push_str("&sslmode=verify-full");
    }

    url
}

/// What stands between `//` and the path. May be empty: libpq takes the host from the parameters then.
fn authority(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("://")?;
    rest.split(['/', '?']).next()
}

/// The parameters of a URL, as they are written.
fn parameters(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let query = text.split_once('?').map_or("", |(_, query)| query);
    query
        .split('&')
        .map(|parameter| parameter.split_once('=').unwrap_or((parameter, "")))
}

/// A host with or without a port, as libpq takes it: a name, an address, an IPv6 address in brackets,
/// or a percent-encoded path. Nothing means the default.
fn is_host(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, "")) => (address, None),
            Some((address, port)) => (address, port.strip_prefix(':').or(Some("?"))),
            None => return false,
        },
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };

    let is_port = |port: &str| port.is_empty() || port.parse::<u16>().is_ok();
    !host.contains(['[', ']', '@']) && port.is_none_or(is_port)
}

/// The URL without its password, and without its parameters, which may contain one too.
fn masked(text: &str) -> String {
    let (Some((scheme, rest)), Some(authority)) = (text.split_once("://"), authority(text)) else {
        return "postgres://***".to_owned();
    };

    let hosts = match authority.rsplit_once('@') {
        Some((user, hosts)) => match user.split_once(':') {
            Some((user, _)) => format!("{user}:***@{hosts}"),
            None => authority.to_owned(),
        },
        None => authority.to_owned(),
    };

    let path = rest.get(authority.len()..).unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default();

    format!("{scheme}://{hosts}{path}")
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
            ("postgres://h:port/db", Err(InvalidDatabaseUrl::Malformed)),
            (
                "postgres://joe:a#b@h/db",
                Err(InvalidDatabaseUrl::NotEncoded),
            ),
        ];

        for (text, expected) in cases {
            assert_eq!(text.parse::<DatabaseUrl>(), expected, "{text}");
        }
    }

    #[test]
    fn the_forms_of_libpq_are_taken_as_they_are() {
        for text in [
            "postgres://h1:5432,h2:5433/db?target_session_attrs=read-write",
            "postgresql://joe@/db?host=/var/run/postgresql",
            "postgres:///db?host=/socket",
            "postgres://joe:p%40ss@[::1]:5432,[::2]/db",
            "postgres://joe@%2Fvar%2Frun/db",
            "postgres://",
        ] {
            let url: DatabaseUrl = text.parse().unwrap();
            assert!(url.libpq().unwrap().expose().starts_with(text), "{text}");
        }
    }

    #[test]
    fn the_roots_of_the_system_are_found() {
        let url: DatabaseUrl = "postgres://db/app?sslrootcert=system".parse().unwrap();
        let libpq = url.libpq().unwrap();
        let rest = libpq.expose().split_once("sslrootcert=").unwrap().1;
        let file = rest.split('&').next().unwrap();
        assert!(Path::new(file).is_file(), "{file}");
        assert!(libpq.expose().contains("&sslmode=verify-full"));
    }

    #[test]
    fn passwords_do_not_print() {
        let url: DatabaseUrl = "postgres://joe:hunter2@db:5433/app?password=hunter2"
            .parse()
            .unwrap();
        assert_eq!(url.to_string(), "postgres://joe:***@db:5433/app");
        assert_eq!(format!("{url:?}"), url.to_string());

        let several: DatabaseUrl = "postgres://joe:hunter2@h1,h2:5433/app".parse().unwrap();
        assert_eq!(several.to_string(), "postgres://joe:***@h1,h2:5433/app");
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
