//! What websites and devices ask about transactions, and what they hear.

use std::net::IpAddr;

use crate::clock::Timestamp;
use crate::ids::{ClientId, DeviceId, ProfileId, TransactionId, UserId};
use crate::secret::SecretString;
use crate::settings::{AuthenticationMethod, Platform};

/// A website's request to start a transaction. Each field is checked by itself; whether they fit the
/// authentication type is decided at the start.
#[derive(Clone, Debug)]
pub struct StartRequest {
    /// The configured authentication type.
    pub type_name: String,
    /// Push and SMS: whom to ask.
    pub user_id: Option<UserId>,
    /// Push: on which device, where the user has several.
    pub device_id: Option<DeviceId>,
    pub callback_uri: Option<String>,
    pub message: Option<String>,
    /// Shown on the device, never in the push.
    pub secure_message: Option<String>,
    /// Signed along with the answer.
    pub signing_data: Option<String>,
    /// SMS: still unchecked, because its error has a code of its own.
    pub phone_number: Option<String>,
    /// Selects the default message.
    pub language_code: Option<String>,
    /// Of the user's browser. Stored as context of the secure message.
    pub ip_address: Option<IpAddr>,
    /// Of the user's browser. Stored as context of the secure message.
    pub user_agent: Option<String>,
}

/// How a website marks a repeated request.
#[derive(Clone, Debug)]
pub struct IdempotencyKey {
    pub key: String,
    /// The request it belongs to: method, path and body.
    pub request: Vec<u8>,
    pub client_id: ClientId,
}

/// A transaction that has started.
#[derive(Clone, Debug)]
pub struct Started {
    pub transaction_id: TransactionId,
    /// The method that runs.
    pub method: AuthenticationMethod,
    /// From the start to expiry.
    pub time_to_live_millis: u64,
    pub expires_at: Timestamp,
    /// OTP: what the device scans.
    pub otp: Option<SecretString>,
    /// Push: the device that is asked.
    pub device: Option<StartedDevice>,
}

/// The device that a push went to.
#[derive(Clone, Debug)]
pub struct StartedDevice {
    /// The user's name for it.
    pub name: String,
    pub platform: Platform,
}

/// The state of a transaction, as a website or a device sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Waits for an answer.
    Pending,
    /// The user accepted, or the right code was typed.
    Accepted,
    /// The user denied.
    Denied,
    /// Nobody answered in time.
    Expired,
    /// The website cancelled it.
    Cancelled,
    /// The attempts are used up, or the message could not be sent.
    Failed,
}

impl Status {
    /// The name on the wire and in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }
}

/// Why a transaction ended without being accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The user denied.
    NotAccepted,
    /// Wrong answers used up the attempts.
    InvalidAnswer,
    /// The provider refused the message for good.
    FailedToSend,
    Expired,
    Cancelled,
    /// The user denied and reported that somebody else asked.
    Reported,
}

/// A transaction's result so far.
#[derive(Clone, Debug)]
pub struct TransactionResult {
    pub transaction_id: TransactionId,
    pub callback_uri: Option<String>,
    /// When it was started.
    pub created_at: Timestamp,
    /// When it ends or ended at the latest.
    pub expires_at: Timestamp,
    /// Who answered or is to answer.
    pub user_id: Option<UserId>,
    /// The method that ran.
    pub method: AuthenticationMethod,
    pub status: Status,
    /// Why it was not accepted.
    pub reason: Option<Reason>,
}

/// An authentication type that a user can be asked with.
#[derive(Clone, Debug)]
pub struct AvailableType {
    pub type_name: String,
    pub method: AuthenticationMethod,
    /// The devices that it can go to; `None` where it needs no device.
    pub devices: Option<Vec<AvailableDevice>>,
}

/// A device that a push can go to.
#[derive(Clone, Debug)]
pub struct AvailableDevice {
    pub application_id: String,
    pub application_name: String,
    pub device_id: DeviceId,
    /// The user's name for it.
    pub device_name: String,
    pub platform: Platform,
}

/// What a device answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Accept,
    Deny,
    /// The user denies and reports that somebody else asked.
    Report,
}

/// A pending transaction in a device's list.
#[derive(Clone, Debug)]
pub struct PendingTransaction {
    pub transaction_id: TransactionId,
    /// Which of the device's users it is for.
    pub profile_id: ProfileId,
    pub method: AuthenticationMethod,
    pub message: String,
    /// When it was started.
    pub created_at: Timestamp,
    /// Until it expires, in whole seconds.
    pub time_to_live_seconds: u64,
}

/// A transaction that a device has fetched.
#[derive(Clone, Debug)]
pub struct FetchedTransaction {
    /// As in the list.
    pub pending: PendingTransaction,
    /// base64url SHA-256 of what the device shows.
    pub content_digest: String,
    /// Compact JWE (`ECDH-ES`, `A256GCM`) to the enrolled key: JSON `{secure_message?,
    /// signing_data?}`.
    pub sealed: String,
}
