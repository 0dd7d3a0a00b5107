//! One struct for each section, with its defaults. Units stand last in the names.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::Path;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::{ConfigError, masked};
use crate::secret::SecretString;

/// Addresses and the shape of requests.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    /// Websites, phones and portals come here.
    pub public_address: SocketAddr,
    /// Administrators, health and metrics. Keep it from the public.
    pub management_address: SocketAddr,
    /// The issuer, and the beginning of every link: what the world calls the public address.
    pub public_url: Url,
    /// The longest request body.
    pub body_bytes_max: NonZeroUsize,
    /// HTTP workers; 0 = one for each core.
    pub workers: usize,
    /// How long requests in flight may take to end when the server stops.
    pub shutdown_timeout_seconds: u64,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            public_address: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            management_address: SocketAddr::from((Ipv4Addr::LOCALHOST, 8081)),
            public_url: default_public_url(),
            body_bytes_max: bound(64 * 1024),
            workers: 0,
            shutdown_timeout_seconds: 30,
        }
    }
}

#[expect(clippy::expect_used, reason = "a constant that a test parses")]
fn default_public_url() -> Url {
    Url::parse("http://127.0.0.1:8080").expect("a valid URL")
}

const fn bound(value: usize) -> NonZeroUsize {
    match NonZeroUsize::new(value) {
        Some(value) => value,
        None => NonZeroUsize::MIN,
    }
}

/// Where everything is kept.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseConfig {
    /// `sqlite:PATH` or `postgres://user@host/name`.
    #[serde(serialize_with = "masked::database_url")]
    pub url: SecretString,
    /// Connections that read; writing has its own.
    pub readers: NonZeroUsize,
    /// Work that may wait for the database before more is refused.
    pub queue_max: NonZeroUsize,
    /// Changes that share one commit at most.
    pub journal_batch_max: NonZeroUsize,
    /// How long a query waits for a lock that another process holds.
    pub busy_timeout_millis: NonZeroU64,
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self {
            url: SecretString::new("sqlite:countersign.db".to_owned()),
            readers: bound(4),
            queue_max: bound(65_536),
            journal_batch_max: bound(512),
            busy_timeout_millis: NonZeroU64::MIN.saturating_add(4_999),
        }
    }
}

impl DatabaseConfig {
    /// The file of an embedded database.
    #[must_use]
    pub fn embedded_path(&self) -> Option<&Path> {
        embedded_path(self.url.expose()).map(Path::new)
    }
}

fn embedded_path(url: &str) -> Option<&str> {
    let path = url.strip_prefix("sqlite:")?;
    Some(path.strip_prefix("//").unwrap_or(path))
}

/// The database URL of the file, with a relative SQLite path counted from the file's directory.
pub(super) fn database_url_from(directory: &Path, url: &str) -> String {
    match embedded_path(url) {
        Some(path) if !path.is_empty() => format!("sqlite:{}", directory.join(path).display()),
        _ => url.to_owned(),
    }
}

/// The master key.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct SecretsConfig {
    /// 32 bytes in base64. Without one an embedded database gets its own, kept in a file beside it.
    #[serde(
        serialize_with = "masked::secret",
        skip_serializing_if = "Option::is_none"
    )]
    pub master_key: Option<SecretString>,
}

/// The pages that log people in.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct LoginConfig {
    /// Receives `?login_challenge=`. Without it nobody can log in on a phone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login_url: Option<Url>,
    /// Receives `?consent_challenge=`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent_url: Option<Url>,
}

/// Conveniences for trying the server out. All of them are off, and are refused where others could
/// reach the server.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct DevelopmentConfig {
    /// Pages of the server's own that log anybody in as whoever they say and ask for their consent.
    pub login_page: bool,
}

/// The outgoing proxy, for push services, text message gateways and callbacks alike. The
/// environment's proxies are ignored.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProxyConfig {
    /// Where it is; none without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<Url>,
    /// Basic credentials, if it asks for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Their password.
    #[serde(
        serialize_with = "masked::secret",
        skip_serializing_if = "Option::is_none"
    )]
    pub password: Option<SecretString>,
}

/// What the server holds at most. Past a bound it answers `503` with `Retry-After`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Transactions that are pending at once, at about two kilobytes each.
    pub live_transactions_max: NonZeroUsize,
    /// Requests in work at once, those that only wait not counted.
    pub requests_in_flight_max: NonZeroUsize,
    /// Requests that wait for something to happen (long polls) at once.
    pub waiting_requests_max: NonZeroUsize,
    /// Callbacks on their way at once.
    pub callbacks_in_flight_max: NonZeroUsize,
    /// Callbacks on their way to one host at once.
    pub callbacks_per_host_max: NonZeroUsize,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            live_transactions_max: bound(2_000_000),
            requests_in_flight_max: bound(8_192),
            waiting_requests_max: bound(50_000),
            callbacks_in_flight_max: bound(256),
            callbacks_per_host_max: bound(64),
        }
    }
}

/// How long finished things are kept. Transactions have theirs in the general settings of mobile
/// authentication.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetentionConfig {
    /// Events of the audit log.
    pub events_days: NonZeroU32,
    /// Callbacks that were delivered.
    pub delivered_callbacks_days: NonZeroU32,
    /// Callbacks that were given up and could be replayed.
    pub dead_callbacks_days: NonZeroU32,
}

impl Default for RetentionConfig {
    fn default() -> Self {
        let days = |days: u32| NonZeroU32::MIN.saturating_add(days - 1);
        Self {
            events_days: days(400),
            delivered_callbacks_days: days(7),
            dead_callbacks_days: days(30),
        }
    }
}

/// What is logged and how.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogsConfig {
    /// One line of text or of JSON for each record.
    pub format: LogFormat,
    /// Which records: a level, or levels by module, such as `info,countersign::callbacks=debug`.
    pub level: String,
}

impl Default for LogsConfig {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            level: "info".to_owned(),
        }
    }
}

/// How a log record is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// An address of the web: `http` or `https`, with a host, without credentials, query or fragment.
pub(super) fn check_web_url(key: &'static str, url: Option<&Url>) -> Result<(), ConfigError> {
    let Some(url) = url else { return Ok(()) };
    let web = matches!(url.scheme(), "http" | "https") && url.has_host();
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    if web && plain && url.query().is_none() {
        return Ok(());
    }
    let problem =
        "must be an http or https address without credentials, query and fragment".to_owned();
    Err(ConfigError::Key {
        place: key.to_owned(),
        problem,
    })
}

/// An address that only this machine reaches.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
