//! Mobile applications and their versions.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::TokenPolicy;
use crate::ids::ApplicationId;

/// The platforms an application exists for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// Apple's.
    Ios,
    /// Google's.
    Android,
}

impl Platform {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ios => "ios",
            Self::Android => "android",
        }
    }

    /// The platform of a name on the wire.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Ios, Self::Android]
            .into_iter()
            .find(|platform| platform.as_str() == name)
    }
}

/// What the installations of one version may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum VersionStatus {
    /// Nothing: the user has to upgrade.
    Disabled,
    /// Installations that are registered go on; new ones are refused.
    LoginOnly,
    /// Everything.
    LoginRegistration,
}

/// Which of Apple's two push services a build belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ApnsEnvironment {
    /// Builds from the store.
    #[default]
    Production,
    /// Builds from the developer's desk; Apple's "sandbox".
    Development,
}

/// One version of an application on one platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplicationVersion {
    pub platform: Platform,
    /// The version's name, free text.
    pub version: String,
    /// What it may do.
    pub status: VersionStatus,
    /// The push configuration its installations are reached by; without one they can only poll.
    #[serde(default)]
    pub push_configuration: Option<String>,
    /// iOS: which of Apple's services.
    #[serde(default)]
    pub apns_environment: ApnsEnvironment,
    /// iOS: the `apns-topic`.
    #[serde(default)]
    pub bundle_id: Option<String>,
}

/// Whether users of an application have a PIN, and how often they may get it wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinSettings {
    #[serde(default)]
    pub enabled: bool,
    /// Wrong PINs in a row before the user is disconnected from the device; 0 = no limit.
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

/// A mobile application. Each installation of it registers as an OAuth client of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// `software_id` at registration, `app_id` on the wire.
    pub id: ApplicationId,
    pub name: String,
    /// Where authorization answers may go; compared exactly.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    #[serde(default)]
    pub pin: PinSettings,
    #[serde(default)]
    pub fingerprint: Enabled,
    /// Ids of the custom authenticators its users may enrol.
    #[serde(default)]
    pub custom_authenticators: BTreeSet<String>,
    #[serde(default)]
    pub versions: Vec<ApplicationVersion>,
    /// What its installations may ask for besides the reserved scopes, and ask for when they ask
    /// for nothing in particular.
    #[serde(default)]
    pub scopes: BTreeSet<String>,
    /// Whether users are not asked for their consent.
    #[serde(default = "default_skip_consent")]
    pub skip_consent: bool,
    /// The tokens of its installations.
    #[serde(default)]
    pub tokens: TokenPolicy,
}

const fn default_skip_consent() -> bool {
    true
}

impl Application {
    /// An application of this id, named after it, with everything else as it is when the file does
    /// not say.
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
            tokens: TokenPolicy::default(),
        }
    }

    /// The version with this platform and name.
    #[must_use]
    pub fn version(&self, platform: Platform, version: &str) -> Option<&ApplicationVersion> {
        self.versions
            .iter()
            .find(|candidate| candidate.platform == platform && candidate.version == version)
    }
}
