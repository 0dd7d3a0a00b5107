//! What a push service is, how it is configured, and what is sent by it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use reqwest::ClientBuilder;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::clock::{Clock, Timestamp};
use crate::egress::ProviderFailure;
use crate::ids::{ProfileId, TransactionId};
use crate::platform::Platform;
use crate::secret::SecretString;

/// The longest push address, in bytes.
pub const PUSH_ADDRESS_BYTES_MAX: usize = 4096;

/// Everything that is particular to a push service.
pub struct PushService {
    /// The name on the wire, in the database and in metrics.
    pub name: &'static str,
    /// The platforms whose devices it reaches.
    pub platforms: &'static [Platform],
    /// The fields of its configuration, beside those that all services have.
    pub credentials: &'static [CredentialField],
    /// Whether versions of an application that use it need a bundle id.
    pub needs_bundle_id: bool,
    /// Whether a text of at most [`PUSH_ADDRESS_BYTES_MAX`] bytes may be an address of the service.
    pub is_address: fn(&str) -> bool,
    /// Makes what all configurations of the service share.
    pub(super) connector: fn(&Clock) -> Arc<dyn Connector>,
}

impl fmt::Debug for PushService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for PushService {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for PushService {}

/// A field of a service's configuration.
pub struct CredentialField {
    pub name: &'static str,
    pub form: CredentialForm,
}

/// What a field holds.
pub enum CredentialForm {
    /// A short text that is no secret.
    Name,
    /// A secret, given by reference and kept sealed.
    Secret {
        is_usable: fn(&str) -> bool,
        /// What to tell where it is not usable.
        requirement: &'static str,
    },
}

/// The values of a service's credential fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials(BTreeMap<&'static str, SecretString>);

impl Credentials {
    /// The value of a field. Empty where it is missing, which reading a configuration refuses.
    #[must_use]
    pub fn get(&self, field: &str) -> &str {
        self.0.get(field).map_or("", SecretString::expose)
    }

    /// Puts another value in place of a field's.
    pub fn set(&mut self, field: &'static str, value: SecretString) {
        self.0.insert(field, value);
    }
}

impl FromIterator<(&'static str, SecretString)> for Credentials {
    fn from_iter<I: IntoIterator<Item = (&'static str, SecretString)>>(fields: I) -> Self {
        Self(fields.into_iter().collect())
    }
}

/// How to reach the devices of one platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushConfiguration {
    /// What versions of applications refer to.
    pub name: String,
    pub platform: Platform,
    pub service: &'static PushService,
    pub credentials: Credentials,
    /// Replaces the service's own address.
    pub endpoint: Option<Url>,
    /// An additional trust anchor, PEM.
    pub ca_certificate: Option<String>,
}

/// Which of Apple's two push services a build belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ApnsEnvironment {
    /// Builds from the store.
    #[default]
    Production,
    /// Builds from the developer's desk. Apple calls it the sandbox.
    Development,
}

/// Where a push goes.
#[derive(Clone, Debug)]
pub struct PushDestination {
    pub configuration: Arc<PushConfiguration>,
    /// APNs: which of Apple's services.
    pub environment: ApnsEnvironment,
    /// APNs: the topic.
    pub bundle_id: Option<String>,
    pub address: SecretString,
}

/// What a push carries: references and the short message, never anything else.
#[derive(Clone, Debug)]
pub struct PushMessage {
    /// The transaction to fetch; `None` for a notice, which asks nothing.
    pub transaction_id: Option<TransactionId>,
    /// Which of the device's users it is for.
    pub profile_id: ProfileId,
    /// The short text to show.
    pub message: SecretString,
    /// After this the service need not deliver it.
    pub expires_at: Timestamp,
}

/// Hands a push to its service once. The caller retries.
pub trait PushSender: Send + Sync {
    /// Completes when the service has taken or refused the message.
    fn send<'a>(
        &'a self,
        destination: &'a PushDestination,
        message: &'a PushMessage,
    ) -> BoxFuture<'a, Result<(), ProviderFailure>>;
}

/// Makes a sender for each configuration of one service, and keeps what they share.
pub(super) trait Connector: Send + Sync {
    /// `client` trusts what the configuration says and follows the server's outgoing proxy. Blocks
    /// for a moment: building the client reads the system's trust anchors from disk.
    fn connect(
        &self,
        configuration: &PushConfiguration,
        client: ClientBuilder,
    ) -> Result<Box<dyn PushSender>, ProviderFailure>;
}

/// The rule for addresses that a platform's service hands out: visible ASCII characters.
pub(super) fn is_token(address: &str) -> bool {
    !address.is_empty() && address.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The client could not be built.
pub(super) fn unusable_tls(service: &'static str) -> ProviderFailure {
    ProviderFailure::configuration(service, "TLS cannot be set up")
}
