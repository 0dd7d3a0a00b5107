//! The objects that administrators configure. Names are those of the file given to `countersign
//! apply`.

mod applications;
mod clients;
mod registration;
mod texts;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

pub use applications::{Application, ApplicationVersion, Enabled, PinSettings, VersionStatus};
pub(crate) use clients::web_origin;
pub use clients::{ApiClient, ClientCredential, GrantType, Permission, WebClient};
pub use registration::InitialAccessToken;
pub use tokens::{RESERVED_SCOPES, ResourceServer, Scope, TokenFormat, TokenPolicy, TokenSettings};

use crate::ids::ClientId;
pub use crate::platform::Platform;
pub use crate::push::{ApnsEnvironment, PushConfiguration};
use crate::secret::SecretString;

/// The text message gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SmsConfiguration {
    /// Twilio's Messages API.
    Twilio {
        account_sid: String,
        auth_token: SecretString,
        /// The sender of messages, unless the authentication type has its own.
        from_number: String,
        /// Replaces Twilio's address.
        endpoint: Option<Url>,
    },
    /// Your own gateway: it receives a `POST` with JSON and answers `204` if it accepts the
    /// message.
    Http {
        endpoint: Url,
        /// Basic credentials, if the gateway requires them.
        credentials: Option<(String, SecretString)>,
    },
}

impl SmsConfiguration {
    /// The gateway's name in metrics.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Twilio { .. } => "twilio",
            Self::Http { .. } => "http",
        }
    }
}

/// How users authenticate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AuthenticationMethod {
    /// A push message that the user accepts with a tap.
    Push,
    /// A long one-time password that the user scans from the website.
    Otp,
    /// A six-digit code in a text message.
    Sms,
}

/// A method with its limits and messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthenticationType {
    /// The parameter `type` of the website's request.
    pub name: String,
    pub method: AuthenticationMethod,
    /// The time from start to expiry, whatever the number of attempts.
    pub time_to_live_seconds: u32,
    /// The number of wrong answers that fail the transaction; 0 = no limit.
    #[serde(default = "default_attempts_max")]
    pub max_attempts: u32,
    /// How many times the message may be resent; 0 = never.
    #[serde(default)]
    pub max_resends: u32,
    /// By language code, for requests without a message.
    #[serde(default)]
    pub default_messages: BTreeMap<String, String>,
    /// SMS: replaces the gateway's sender.
    #[serde(default)]
    pub sender_id: Option<String>,
    /// SMS: the host of the page that the code is typed into. The message then ends with the line
    /// `@host #code`, so that browsers fill the code in on that host only.
    #[serde(default)]
    pub web_origin: Option<String>,
}

const fn default_attempts_max() -> u32 {
    3
}

impl AuthenticationType {
    #[must_use]
    pub fn time_to_live(&self) -> Duration {
        Duration::from_secs(u64::from(self.time_to_live_seconds))
    }

    /// The message in a language, or in English if that language has none.
    #[must_use]
    pub fn default_message(&self, language: Option<&str>) -> Option<&str> {
        texts::in_language(&self.default_messages, language)
    }
}

/// An address that callbacks may be sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackEndpoint {
    /// Compared as text with the `callback_uri` of requests.
    pub url: String,
    /// Basic credentials, if the receiver requires them.
    pub credentials: Option<(String, SecretString)>,
    /// `whsec_…`: signs each callback (Standard Webhooks).
    pub signing_secrets: Vec<SecretString>,
    /// Whether the host may have private addresses.
    pub allow_private: bool,
    /// The API clients that may use it. None means all.
    pub clients: BTreeSet<String>,
}

impl CallbackEndpoint {
    /// Whether transactions of this website may name it.
    pub(crate) fn admits(&self, client: &ClientId) -> bool {
        self.clients.is_empty() || self.clients.contains(client.as_str())
    }
}

const NEW_DEVICE_MESSAGE: &str =
    "{device} can now confirm actions in your name. If that was not you, tell us at once.";

/// The general settings of mobile authentication.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MobileAuthentication {
    /// Whether websites can use mobile authentication at all; if not, error 1000.
    pub enabled: bool,
    /// Whether users can enrol keys, which push and OTP need.
    pub enrolment_enabled: bool,
    /// Whether a user can enrol new keys in place of existing ones.
    pub enrolment_override_enabled: bool,
    /// How long ago the user must have logged in, or have proved the PIN, to enrol keys: 60 to 86,400.
    pub enrolment_max_age_seconds: u32,
    /// What a user's other devices are told when the user has enrolled on one: `{device}` stands for its
    /// name.
    pub new_device_message: String,
    pub push_enrolment_enabled: bool,
    /// Whether pushes can be sent; if not, error 1000.
    pub push_enabled: bool,
    /// Whether text messages can be sent; if not, error 3000.
    pub sms_enabled: bool,
    /// Whether `callback_uri` must be a configured callback endpoint.
    pub callback_allow_list_enabled: bool,
    /// The maximal length of `message`, in characters.
    pub message_characters_max: u32,
    /// The maximal number of pushes that a website may have sent to one user on one device in five
    /// minutes, with resends. All websites together: twice as many.
    pub prompts_per_5_minutes_max: u32,
    /// The same in an hour.
    pub prompts_per_hour_max: u32,
    /// The maximal number of text messages to one phone number in an hour, with resends.
    pub sms_per_number_per_hour_max: u32,
    /// The same to one user.
    pub sms_per_user_per_hour_max: u32,
    /// The maximal number of text messages for one website in a minute, with resends.
    pub sms_per_client_per_minute_max: u32,
    /// The same for all websites together.
    pub sms_per_minute_max: u32,
    /// The number of wrong codes of a user in a row, in whatever transactions, after which the user is
    /// asked by text message no more, until unlocked (NIST SP 800-63B-4 §3.2.2).
    pub consecutive_failures_max: u32,
    /// The maximal number of devices that register from one address in an hour. Many users may share
    /// one.
    pub registrations_per_source_per_hour_max: u32,
    /// The same from all addresses together.
    pub registrations_per_hour_max: u32,
    /// How long results can be read after a transaction has ended.
    pub result_retention_seconds: u32,
}

impl MobileAuthentication {
    /// How long ago the user must have logged in, or have proved the PIN, to enrol keys.
    #[must_use]
    pub const fn enrolment_max_age(&self) -> Duration {
        Duration::from_secs(self.enrolment_max_age_seconds as u64)
    }
}

impl Default for MobileAuthentication {
    fn default() -> Self {
        Self {
            enabled: true,
            enrolment_enabled: true,
            enrolment_override_enabled: false,
            enrolment_max_age_seconds: 300,
            new_device_message: NEW_DEVICE_MESSAGE.to_owned(),
            push_enrolment_enabled: true,
            push_enabled: true,
            sms_enabled: true,
            // Off, a stolen API client could have the server call any public address.
            callback_allow_list_enabled: true,
            message_characters_max: 155,
            prompts_per_5_minutes_max: 5,
            prompts_per_hour_max: 20,
            sms_per_number_per_hour_max: 20,
            sms_per_user_per_hour_max: 20,
            sms_per_client_per_minute_max: 1_000,
            sms_per_minute_max: 3_000,
            consecutive_failures_max: 100,
            registrations_per_source_per_hour_max: 5_000,
            registrations_per_hour_max: 100_000,
            result_retention_seconds: 86_400,
        }
    }
}
