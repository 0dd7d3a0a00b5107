//! What the rest of the server hears from devices.

use crate::clock::Timestamp;
use crate::ids::{ApplicationId, DeviceId, ProfileId, UserId};
use crate::jose::PublicJwk;
use crate::push::{PushDestination, Transport};
use crate::secret::SecretString;
use crate::settings::{ApplicationVersion, Platform, Settings};

/// A registered device: a phone with the application, which holds a key and is an OAuth client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its OAuth `client_id`.
    pub id: DeviceId,
    pub application_id: ApplicationId,
    pub application_version: String,
    pub platform: Platform,
    /// The user's name for it.
    pub name: String,
    /// The manufacturer's name for it.
    pub model: Option<String>,
    pub os_version: Option<String>,
    /// Signs the device's client assertions, and answers that need no other authenticator.
    pub public_key: PublicJwk,
    pub created_at: Timestamp,
    /// When the registration last changed.
    pub updated_at: Timestamp,
    /// Since when nobody has logged in on it; `None` once a user has.
    pub unused_since: Option<Timestamp>,
}

impl Device {
    /// The application's version on the device, if it is configured and not disabled. Without it
    /// the device may do nothing.
    #[must_use]
    pub fn enabled_version<'a>(&self, settings: &'a Settings) -> Option<&'a ApplicationVersion> {
        settings.enabled_version(
            &self.application_id,
            self.platform,
            &self.application_version,
        )
    }
}

/// A device that has just registered.
#[derive(Debug)]
pub struct Registered {
    pub device: Device,
    /// Authorises reading, changing and removing the registration (RFC 7592). Given out only here.
    pub registration_access_token: SecretString,
}

/// A user on a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolment {
    pub user_id: UserId,
    /// Stands for the user on this device.
    pub profile_id: ProfileId,
    /// What is sent to the device is encrypted to this key.
    pub public_key: PublicJwk,
    /// When the user enrolled.
    pub created_at: Timestamp,
}

/// Everything enrolled for a user on a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnrolmentState {
    pub enrolment: Enrolment,
    /// The names of the authenticators: `pin`, `fingerprint`, `custom:ID`.
    pub authenticators: Vec<String>,
    /// `None` where the user is not enrolled for push.
    pub push: Option<Transport>,
}

/// What a device gets when a user has enrolled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolled {
    /// Stands for the user on this device.
    pub profile_id: ProfileId,
    /// Verifies the server's signatures. The same for all enrolments.
    pub server_key: PublicJwk,
}

/// A device on which a user can be asked by push.
#[derive(Clone, Debug)]
pub struct PushTarget {
    pub device_id: DeviceId,
    /// The user's name for it.
    pub device_name: String,
    pub platform: Platform,
    pub application_id: ApplicationId,
    pub application_version: String,
    /// Stands for the user on this device.
    pub profile_id: ProfileId,
    pub transport: Transport,
    /// `None` where nothing is configured that reaches the device.
    pub destination: Option<Destination>,
}

/// Where a push for a device goes.
#[derive(Clone, Debug)]
pub enum Destination {
    /// Nowhere: the device asks for what is pending.
    Poll,
    /// To a push service.
    Push {
        destination: PushDestination,
        /// When the device reported this address. A push service's report about an earlier time is
        /// not about it.
        registered_at: Timestamp,
    },
}
