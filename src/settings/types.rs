//! What administrators configure, parsed and checked: the same names as in the file given to
//! `countersign apply`.

mod applications;
mod clients;
mod tokens;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

pub use applications::{
    ApnsEnvironment, Application, ApplicationVersion, Enabled, PinSettings, Platform, VersionStatus,
};
pub use clients::{ApiClient, ClientCredential, GrantType, Permission, WebClient};
pub use tokens::{RESERVED_SCOPES, ResourceServer, Scope, TokenFormat, TokenPolicy, TokenSettings};

use crate::secret::SecretString;

/// How to reach one platform's push service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushConfiguration {
    /// What application versions refer to.
    pub name: String,
    /// The provider and its credentials.
    pub provider: PushProvider,
    /// Instead of the provider's own address.
    pub endpoint: Option<Url>,
    /// A further trust anchor, PEM.
    pub ca_certificate: Option<String>,
}

/// A push service and the credentials for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PushProvider {
    /// Apple, with token authentication.
    Apns {
        /// The developer team's id.
        team_id: String,
        /// The id of the auth key.
        key_id: String,
        /// The `.p8` file: a PKCS#8 EC private key in PEM.
        auth_key: SecretString,
    },
    /// Google, HTTP v1.
    Fcm {
        /// The service account's key file, JSON.
        service_account: SecretString,
    },
}

impl PushProvider {
    /// The platform whose phones it reaches.
    #[must_use]
    pub const fn platform(&self) -> Platform {
        match self {
            Self::Apns { .. } => Platform::Ios,
            Self::Fcm { .. } => Platform::Android,
        }
    }
}

impl PushProvider {
    /// The service's name in metrics.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Apns { .. } => "apns",
            Self::Fcm { .. } => "fcm",
        }
    }
}

/// The text message gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SmsConfiguration {
    /// Twilio's Messages API.
    Twilio {
        account_sid: String,
        auth_token: SecretString,
        /// The number messages come from by default.
        from_number: String,
        /// Instead of Twilio's own address.
        endpoint: Option<Url>,
    },
    /// A gateway of one's own: `POST` JSON, `204` means taken.
    Http {
        endpoint: Url,
        /// Basic credentials, if the gateway asks for them.
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

/// How an authentication type asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AuthenticationMethod {
    /// Push, accepted with a tap.
    Push,
    /// A long one-time password, usually scanned from the website.
    Otp,
    /// A six-digit code in a text message.
    Sms,
}

/// A way of asking, by the name websites use as `type`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthenticationType {
    /// The name on the wire.
    pub name: String,
    pub method: AuthenticationMethod,
    /// From initialisation to expiry; all attempts fall into it.
    pub time_to_live_seconds: u32,
    /// Wrong answers before the transaction fails; 0 = until expiry.
    #[serde(default = "default_attempts_max")]
    pub max_attempts: u32,
    /// How often the same message may be sent again; 0 = not at all.
    #[serde(default)]
    pub max_resends: u32,
    /// By language code; used when the website sends no message.
    #[serde(default)]
    pub default_messages: BTreeMap<String, String>,
    /// SMS: the sender, instead of the gateway's default.
    #[serde(default)]
    pub sender_id: Option<String>,
    /// SMS: the host whose page the code is typed into; makes the message's last line `@host
    /// #code`.
    #[serde(default)]
    pub web_origin: Option<String>,
}

const fn default_attempts_max() -> u32 {
    3
}

impl AuthenticationType {
    /// From initialisation to expiry.
    #[must_use]
    pub fn time_to_live(&self) -> Duration {
        Duration::from_secs(u64::from(self.time_to_live_seconds))
    }

    /// The message for a language; English where the language has none.
    #[must_use]
    pub fn default_message(&self, language: Option<&str>) -> Option<&str> {
        let chosen = language.and_then(|language| self.default_messages.get(language));
        chosen
            .or_else(|| self.default_messages.get("en"))
            .map(String::as_str)
    }
}

/// Where results may be called back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackEndpoint {
    /// Compared exactly, as text, with what the website asks for.
    pub url: String,
    /// Basic credentials, if the receiver asks for them.
    pub credentials: Option<(String, SecretString)>,
    /// `whsec_…`: signs each call (Standard Webhooks).
    pub signing_secret: Option<SecretString>,
    /// Whether the address may be a private one.
    pub allow_private: bool,
}

/// The general settings of mobile authentication.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MobileAuthentication {
    /// The whole website API; off answers 1000.
    pub enabled: bool,
    /// Enrolment of keys; without it neither push nor OTP.
    pub enrolment_enabled: bool,
    /// Whether a user may enrol keys again over those that are there.
    pub enrolment_override_enabled: bool,
    pub push_enrolment_enabled: bool,
    /// Sending by push; off answers 1000.
    pub push_enabled: bool,
    /// Sending by text message; off answers 3000.
    pub sms_enabled: bool,
    /// Whether `callback_uri` must be a configured callback endpoint.
    pub callback_allow_list_enabled: bool,
    /// The longest `message`, in characters.
    pub message_characters_max: u32,
    /// Pushes to one user on one device within five minutes, resends included.
    pub prompts_per_5_minutes_max: u32,
    /// Pushes to one user on one device within an hour, resends included.
    pub prompts_per_hour_max: u32,
    /// How long results can be read after a transaction ended.
    pub result_retention_seconds: u32,
}

impl Default for MobileAuthentication {
    fn default() -> Self {
        Self {
            enabled: true,
            enrolment_enabled: true,
            enrolment_override_enabled: false,
            push_enrolment_enabled: true,
            push_enabled: true,
            sms_enabled: true,
            callback_allow_list_enabled: true,
            message_characters_max: 155,
            prompts_per_5_minutes_max: 5,
            prompts_per_hour_max: 20,
            result_retention_seconds: 86_400,
        }
    }
}
