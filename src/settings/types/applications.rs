//! Mobile applications and their versions.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::tokens::TokenPolicy;
use crate::ids::ApplicationId;
use crate::platform::Platform;
use crate::push::ApnsEnvironment;

/// What the devices of a version may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum VersionStatus {
    /// Nothing: users must upgrade.
    Disabled,
    /// Registered devices can be used, new ones cannot register.
    LoginOnly,
    /// Registering and logging in.
    LoginRegistration,
}

/// One version of an application on one platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplicationVersion {
    pub platform: Platform,
    /// Any text.
    pub version: String,
    pub status: VersionStatus,
    /// The name of the push configuration for its devices. Without one they can only poll.
    #[serde(default)]
    pub push_configuration: Option<String>,
    /// iOS only.
    #[serde(default)]
    pub apns_environment: ApnsEnvironment,
    /// iOS: the `apns-topic`.
    #[serde(default)]
    pub bundle_id: Option<String>,
}

/// Whether users of an application have a PIN, and how many attempts they have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinSettings {
    #[serde(default)]
    pub enabled: bool,
    /// The number of consecutive wrong PINs that disconnects the user from the device; 0 = no
    /// limit.
    #[serde(default = "default_pin_attempts_max")]
    pub max_attempts: u32,
}

const fn default_pin_attempts_max() -> u32 {
    3
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enabled {
    #[serde(default)]
    pub enabled: bool,
}

/// A mobile application. Each of its devices registers as an OAuth client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// The `software_id` of registrations, the `app_id` of other messages.
    pub id: ApplicationId,
    pub name: String,
    /// Where authorization responses may be sent; compared exactly.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    #[serde(default)]
    pub pin: PinSettings,
    #[serde(default)]
    pub fingerprint: Enabled,
    /// The ids of the custom authenticators that users may enrol.
    #[serde(default)]
    pub custom_authenticators: BTreeSet<String>,
    #[serde(default)]
    pub versions: Vec<ApplicationVersion>,
    /// The scopes that devices may request besides the reserved ones. A request without
    /// scopes means all of these.
    #[serde(default)]
    pub scopes: BTreeSet<String>,
    /// Whether users are not asked for consent.
    #[serde(default = "default_skip_consent")]
    pub skip_consent: bool,
    /// Whether devices register only with an initial access token of this application's (RFC 7591 §3).
    #[serde(default)]
    pub initial_access_token_required: bool,
    #[serde(default)]
    pub tokens: TokenPolicy,
}

const fn default_skip_consent() -> bool {
    true
}

impl Application {
    /// An application whose name is its id. Everything else has the default of the file.
    #[must_use]
    pub fn new(id: ApplicationId) -> Self {
        Self {
            name: id.to_string(),
            id,
            redirect_uris: Vec::new(),
            pin: PinSettings::default(),
            fingerprint: Enabled::default(),
            custom_authenticators: BTreeSet::new(),
            versions: Vec::new(),
            scopes: BTreeSet::new(),
            skip_consent: default_skip_consent(),
            initial_access_token_required: false,
            tokens: TokenPolicy::default(),
        }
    }

    #[must_use]
    pub fn version(&self, platform: Platform, version: &str) -> Option<&ApplicationVersion> {
        self.versions
            .iter()
            .find(|candidate| candidate.platform == platform && candidate.version == version)
    }
}
