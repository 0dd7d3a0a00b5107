//! One struct for each section, with its defaults. A name ends in its unit.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::error::ConfigError;
use super::masked;
use crate::secret::SecretString;

/// Addresses and requests.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    /// For websites, phones and portals.
    pub public_address: SocketAddr,
    /// For administrators, health checks and metrics. Must not be public.
    pub management_address: SocketAddr,
    /// The public address as others reach it: the issuer, and the start of every link.
    pub public_url: Url,
    /// The proxies in front of the server, as networks: their `X-Forwarded-For` names whom a request
    /// comes from.
    pub trusted_proxies: Vec<IpNet>,
    /// Maximum size of a request body.
    pub body_bytes_max: NonZeroUsize,
    /// HTTP workers; 0 means one for each core.
    pub workers: usize,
    /// When the server stops, how long it goes on accepting requests while `/readyz` already says no:
    /// as long as load balancers take to notice.
    pub drain_delay_seconds: u64,
    /// When the server stops, how long it waits for requests in flight.
    pub shutdown_timeout_seconds: u64,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            public_address: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            management_address: SocketAddr::from((Ipv4Addr::LOCALHOST, 8081)),
            public_url: default_public_url(),
            trusted_proxies: Vec::new(),
            body_bytes_max: bound(64 * 1024),
            workers: 0,
            drain_delay_seconds: 0,
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

/// The database.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseConfig {
    /// `sqlite:PATH` or `postgres://user@host/name`.
    #[serde(serialize_with = "masked::database_url")]
    pub url: SecretString,
    /// Connections for reading; 0 means one for each core, from two to eight. Writing uses connections
    /// of its own.
    pub readers: usize,
    /// Maximum number of operations that wait for the database. Further ones are refused.
    pub queue_max: NonZeroUsize,
    /// Maximum number of changes in one commit.
    pub journal_batch_max: NonZeroUsize,
    /// How long a query waits for a lock of another process.
    pub busy_timeout_millis: NonZeroU64,
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self {
            url: SecretString::new("sqlite:countersign.db".to_owned()),
            readers: 0,
            queue_max: bound(65_536),
            journal_batch_max: bound(512),
            busy_timeout_millis: NonZeroU64::MIN.saturating_add(4_999),
        }
    }
}

impl DatabaseConfig {
    /// The path of an embedded database.
    #[must_use]
    pub fn embedded_path(&self) -> Option<&Path> {
        embedded_path(self.url.expose()).map(Path::new)
    }
}

fn embedded_path(url: &str) -> Option<&str> {
    let path = url.strip_prefix("sqlite:")?;
    Some(path.strip_prefix("//").unwrap_or(path))
}

/// Resolves a relative SQLite path in `url` against `directory`.
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
    /// 32 bytes in base64. An embedded database needs none: its key is kept in a file beside it.
    #[serde(
        serialize_with = "masked::secret",
        skip_serializing_if = "Option::is_none"
    )]
    pub master_key: Option<SecretString>,
}

/// The pages on which users log in and consent.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct LoginConfig {
    /// Receives `?login_challenge=`. Without it, nobody can log in on a phone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login_url: Option<Url>,
    /// Receives `?consent_challenge=`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent_url: Option<Url>,
}

/// Conveniences for trying the server out. They are off by default, and refused where others can
/// reach the server.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct DevelopmentConfig {
    /// Serves built-in pages that log in any user without a password and ask for consent.
    pub login_page: bool,
}

/// The pages that users see in a browser.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct PagesConfig {
    /// What stands at the top, without a logo, and in the title.
    pub product_name: String,
    /// An `.svg` or `.png` file of at most 100 KiB.
    pub logo: Option<PathBuf>,
    /// The colour of buttons, as `#rrggbb`.
    pub accent_color: String,
    /// A folder with a `*.toml` file for each further language.
    pub texts: Option<PathBuf>,
}

impl Default for PagesConfig {
    fn default() -> Self {
        Self {
            product_name: "Countersign".to_owned(),
            logo: None,
            accent_color: "#0b57d0".to_owned(),
            texts: None,
        }
    }
}

/// The proxy of all outgoing requests: push services, text message gateways and callbacks. Proxies
/// that the environment names are ignored.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProxyConfig {
    /// Without it, requests go out directly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<Url>,
    /// For Basic authentication at the proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    #[serde(
        serialize_with = "masked::secret",
        skip_serializing_if = "Option::is_none"
    )]
    pub password: Option<SecretString>,
}

/// Upper bounds. Beyond one of them the server answers `503` with `Retry-After`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Pending transactions. Each takes about two kilobytes of memory.
    pub live_transactions_max: NonZeroUsize,
    /// Requests being processed, without those that wait for an event.
    pub requests_in_flight_max: NonZeroUsize,
    /// Requests that wait for an event (long polls).
    pub waiting_requests_max: NonZeroUsize,
    /// Callbacks being sent.
    pub callbacks_in_flight_max: NonZeroUsize,
    /// Callbacks being sent to the same host.
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

/// How long finished records are kept. The retention of transactions is part of the settings of
/// mobile authentication.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetentionConfig {
    /// Events of the audit log.
    pub events_days: NonZeroU32,
    /// Delivered callbacks.
    pub delivered_callbacks_days: NonZeroU32,
    /// Callbacks that could not be delivered. They can be replayed.
    pub dead_callbacks_days: NonZeroU32,
    /// Devices that have registered and on which no user has logged in.
    pub unused_devices_days: NonZeroU32,
}

impl Default for RetentionConfig {
    fn default() -> Self {
        let days = |days: u32| NonZeroU32::MIN.saturating_add(days - 1);
        Self {
            events_days: days(400),
            delivered_callbacks_days: days(7),
            dead_callbacks_days: days(30),
            unused_devices_days: days(30),
        }
    }
}

/// The log.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogsConfig {
    pub format: LogFormat,
    /// A level, or levels for each module, such as `info,countersign::callbacks=debug`.
    pub level: String,
    /// Whether each request is logged, except for health checks and metrics.
    pub requests: bool,
}

impl Default for LogsConfig {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            level: "info".to_owned(),
            requests: true,
        }
    }
}

/// Each record is one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

/// Requires an `http` or `https` URL with a host, and without credentials, query or fragment.
pub(super) fn check_web_url(key: &'static str, url: Option<&Url>) -> Result<(), ConfigError> {
    let Some(url) = url else { return Ok(()) };
    let web = matches!(url.scheme(), "http" | "https") && url.has_host();
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    if web && plain && url.query().is_none() {
        return Ok(());
    }

    let problem = "must be an http or https URL without credentials, query and fragment".to_owned();

    Err(ConfigError::Key {
        place: key.to_owned(),
        problem,
    })
}

/// Tokens and cookies cross the network in the clear otherwise.
pub(super) fn check_secure_url(key: &'static str, url: &Url) -> Result<(), ConfigError> {
    if url.scheme() == "https" || is_loopback(url) {
        return Ok(());
    }

    Err(ConfigError::Key {
        place: key.to_owned(),
        problem: "must be https; http is for loopback addresses only".to_owned(),
    })
}

/// Whether only this machine can reach the URL.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
