//! What the rest of the server hears from devices.

use crate::clock::Timestamp;
use crate::ids::{ApplicationId, DeviceId, ProfileId, UserId};
use crate::jose::PublicJwk;
use crate::push::PushDestination;
use crate::secret::SecretString;
use crate::settings::{ApplicationVersion, Platform, Settings};

/// An installation of a mobile application: an OAuth client that holds a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its OAuth `client_id`.
    pub id: DeviceId,
    pub application_id: ApplicationId,
    pub application_version: String,
    pub platform: Platform,
    /// As its user calls it.
    pub name: String,
    /// As its maker calls it.
    pub model: Option<String>,
    /// The operating system's version.
    pub os_version: Option<String>,
    /// The installation's own key: its client assertions and its plain answers are signed with it.
    pub public_key: PublicJwk,
    pub created_at: Timestamp,
    /// When its registration changed last.
    pub updated_at: Timestamp,
}

impl Device {
    /// The version it runs, if that is configured and not disabled: without it the installation may
    /// do nothing.
    #[must_use]
    pub fn enabled_version<'a>(&self, settings: &'a Settings) -> Option<&'a ApplicationVersion> {
        settings.enabled_version(
            &self.application_id,
            self.platform,
            &self.application_version,
        )
    }
}

/// An installation that has just registered.
#[derive(Debug)]
pub struct Registered {
    pub device: Device,
    /// Lets it read, change and remove its registration (RFC 7592). Told this once.
    pub registration_access_token: SecretString,
}

/// How a push reaches an installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Apple's push service.
    Apns,
    /// Google's push service.
    Fcm,
    /// Not at all: the phone asks for what is pending.
    Poll,
}

impl Transport {
    const ALL: [Self; 3] = [Self::Apns, Self::Fcm, Self::Poll];

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Apns => "apns",
            Self::Fcm => "fcm",
            Self::Poll => "poll",
        }
    }

    /// The transport of a name on the wire.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|transport| transport.as_str() == name)
    }

    /// Whether this reaches installations on the platform.
    #[must_use]
    pub fn fits(self, platform: Platform) -> bool {
        match self {
            Self::Apns => platform == Platform::Ios,
            Self::Fcm => platform == Platform::Android,
            Self::Poll => true,
        }
    }
}

/// A user on a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolment {
    pub user_id: UserId,
    /// The user's name on this device.
    pub profile_id: ProfileId,
    /// What the phone is sent is sealed to this key.
    pub public_key: PublicJwk,
    /// When the user enrolled.
    pub created_at: Timestamp,
}

/// All that is enrolled for a user on a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnrolmentState {
    pub enrolment: Enrolment,
    /// The names of the further keys: `pin`, `fingerprint`, `custom:ID`.
    pub authenticators: Vec<String>,
    /// How the user is asked by push, if so.
    pub push: Option<Transport>,
}

/// The keys of an enrolment that has just been made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolled {
    /// The user's name on this device.
    pub profile_id: ProfileId,
    /// The server's own public key, the same for all enrolments: what the phone will know the
    /// server's signatures by.
    pub server_key: PublicJwk,
}

/// A device that a user can be asked on by push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushTarget {
    pub device_id: DeviceId,
    /// As its user calls it.
    pub device_name: String,
    pub platform: Platform,
    pub application_id: ApplicationId,
    pub application_version: String,
    /// The user's name on this device.
    pub profile_id: ProfileId,
    /// How the push goes.
    pub transport: Transport,
}

/// Where a push for an installation goes.
#[derive(Clone, Debug)]
pub enum Destination {
    /// Nowhere: the phone asks for what is pending.
    Poll,
    /// To a push service.
    Push {
        /// The service and the address.
        destination: PushDestination,
        /// When the installation told this address. A report of an older time is not about it.
        registered_at: Timestamp,
    },
}
