//! Builds the HTTP clients: time limits, no redirects, the configured proxy or none, rustls.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use reqwest::header::RETRY_AFTER;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, Proxy, Response};
use url::Url;

use super::cause::SystemResolver;
use crate::clock::Timestamp;
use crate::secret::SecretString;

/// The most of a provider's answer that is read, in bytes.
pub(crate) const PROVIDER_BODY_BYTES_MAX: usize = 64 * 1024;

/// How often an idle HTTP/2 connection is probed. Without a probe, a connection that a firewall has
/// dropped silently swallows every request until the kernel gives it up a quarter of an hour later.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(5);

/// The outgoing HTTP proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxySettings {
    /// Where it listens: `http://host:port`.
    pub url: Url,
    /// For Basic authentication, sent with the first request already.
    pub username: Option<String>,
    pub password: Option<SecretString>,
}

/// Limits and proxy of calls to the outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EgressSettings {
    /// To establish a connection, including TLS.
    pub connect_timeout: Duration,
    /// For a whole call, including the answer.
    pub request_timeout: Duration,
    /// All calls go through it. Proxy variables of the environment are ignored.
    pub proxy: Option<ProxySettings>,
}

impl Default for EgressSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(3),
            request_timeout: Duration::from_secs(5),
            proxy: None,
        }
    }
}

/// Why no client can be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEgress {
    /// No proxy can have this URL.
    #[error("the outgoing proxy's URL is not usable")]
    Proxy,
    /// The additional trust anchor is not a certificate in PEM.
    #[error("the CA certificate is not a certificate in PEM")]
    CaCertificate,
    /// The machine has no trust anchors, usually because no package of CA certificates is installed.
    #[error("TLS cannot be set up: the system's CA certificates are missing")]
    Tls,
}

/// Builds the clients for calls to the outside. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Egress(Arc<EgressSettings>);

impl Egress {
    /// Builds clients with these settings.
    #[must_use]
    pub fn new(settings: EgressSettings) -> Self {
        Self(Arc::new(settings))
    }

    /// A client that trusts the system's anchors and, where given, these certificates (PEM).
    pub fn client(&self, ca_certificate: Option<&str>) -> Result<Client, InvalidEgress> {
        self.builder(ca_certificate)?
            .build()
            .map_err(|_| InvalidEgress::Tls)
    }

    /// Whether calls go through a proxy, which then resolves the names.
    pub fn is_proxied(&self) -> bool {
        self.0.proxy.is_some()
    }

    /// The same before it is built, for callers that need more options.
    pub fn builder(&self, ca_certificate: Option<&str>) -> Result<ClientBuilder, InvalidEgress> {
        let settings = &*self.0;
        let mut builder = Client::builder()
            .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(settings.connect_timeout)
            .timeout(settings.request_timeout)
            .redirect(Policy::none())
            .referer(false)
            .dns_resolver(Arc::new(SystemResolver))
            .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
            .http2_keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
            .http2_keep_alive_while_idle(true)
            .no_proxy();

        if let Some(proxy) = &settings.proxy {
            builder = builder.proxy(proxy_of(proxy)?);
        }

        if let Some(pem) = ca_certificate {
            let certificates = Certificate::from_pem_bundle(pem.as_bytes())
                .map_err(|_| InvalidEgress::CaCertificate)?;
            if certificates.is_empty() {
                return Err(InvalidEgress::CaCertificate);
            }

            builder = builder.tls_certs_merge(certificates);
        }

        Ok(builder)
    }
}

fn proxy_of(settings: &ProxySettings) -> Result<Proxy, InvalidEgress> {
    let mut proxy = Proxy::all(settings.url.clone()).map_err(|_| InvalidEgress::Proxy)?;
    if let Some(username) = &settings.username {
        proxy = proxy.basic_auth(
            username,
            settings.password.as_ref().map_or("", SecretString::expose),
        );
    }

    Ok(proxy)
}

/// Reads at most `bytes_max` bytes of the answer's body. The connection of a longer one is closed.
pub(crate) async fn read_body(
    mut response: Response,
    bytes_max: usize,
) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = bytes_max.saturating_sub(body.len());
        body.extend(chunk.iter().take(room));
        if chunk.len() >= room {
            break;
        }
    }

    Ok(body)
}

/// `Retry-After` in seconds (RFC 9110 §10.2.3), the form that providers document.
pub(crate) fn retry_after_seconds(response: &Response) -> Option<Duration> {
    parse_seconds(header(response)?)
}

/// `Retry-After` (RFC 9110 §10.2.3) in either form: seconds, or a date.
pub(crate) fn retry_after(response: &Response, now: Timestamp) -> Option<Duration> {
    let value = header(response)?;
    parse_seconds(value).or_else(|| parse_date(value, now))
}

fn header(response: &Response) -> Option<&str> {
    Some(response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim())
}

fn parse_seconds(value: &str) -> Option<Duration> {
    let seconds = value.parse::<u32>().ok()?;
    Some(Duration::from_secs(u64::from(seconds)))
}

/// How long it is until a date; zero if it has passed.
fn parse_date(value: &str, now: Timestamp) -> Option<Duration> {
    let date = httpdate::parse_http_date(value).ok()?;
    let since_epoch = date.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    let date = Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).ok()?);

    Some(date.since(now))
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    #[test]
    fn a_date_is_as_far_away_as_the_clock_says() {
        // 1994-11-06 08:49:37 UTC.
        let at = Timestamp::from_millis(784_111_777_000);
        let minute = Duration::from_secs(60);

        for form in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(parse_date(form, at.before(minute)), Some(minute));
            assert_eq!(parse_date(form, at.after(minute)), Some(Duration::ZERO));
        }

        assert_eq!(parse_date("tomorrow", at), None);
    }

    #[tokio::test]
    async fn an_endless_answer_is_not_read_to_its_end() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());

        let server = thread::spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            let _ = client.read(&mut [0; 4096]).unwrap();

            client
                .write_all(b"HTTP/1.1 500 No\r\ncontent-length: 1000000000\r\n\r\n")
                .unwrap();

            while client.write_all(&[b'x'; 4096]).is_ok() {}
        });

        let response = Egress::default()
            .client(None)
            .unwrap()
            .get(url)
            .send()
            .await
            .unwrap();

        assert_eq!(read_body(response, 10_000).await.unwrap(), [b'x'; 10_000]);

        // Ends when the connection is given up.
        tokio::task::spawn_blocking(move || server.join().unwrap())
            .await
            .unwrap();
    }

    #[test]
    fn a_trust_anchor_must_be_a_certificate() {
        for pem in [
            "",
            "rubbish",
            "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----",
        ] {
            assert_eq!(
                Egress::default().client(Some(pem)).unwrap_err(),
                InvalidEgress::CaCertificate,
                "{pem}"
            );
        }
    }

    #[test]
    fn the_proxy_password_does_not_print() {
        let proxy = ProxySettings {
            url: Url::parse("http://127.0.0.1:3128").unwrap(),
            username: Some("us".to_owned()),
            password: Some(SecretString::new("hunter2".to_owned())),
        };

        let egress = Egress::new(EgressSettings {
            proxy: Some(proxy),
            ..EgressSettings::default()
        });
        assert!(egress.client(None).is_ok());
        assert!(!format!("{egress:?}").contains("hunter2"));
    }
}
