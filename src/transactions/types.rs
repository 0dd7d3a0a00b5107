//! What the rest of the server says to transactions and hears from them.

use crate::clock::Timestamp;
use crate::ids::{ClientId, DeviceId, ProfileId, TransactionId, UserId};
use crate::secret::SecretString;
use crate::settings::{AuthenticationMethod, Platform};

/// A website asks for a transaction. Fields are checked one by one already; how they fit the type
/// is checked at the start.
#[derive(Clone, Debug)]
pub struct StartRequest {
    /// The configured authentication type.
    pub type_name: String,
    /// Whom to ask: push and SMS.
    pub user_id: Option<UserId>,
    /// On which device: push, where the user has several.
    pub device_id: Option<DeviceId>,
    /// Where to call back.
    pub callback_uri: Option<String>,
    pub message: Option<String>,
    /// Shown on the phone, never in the push.
    pub secure_message: Option<String>,
    /// To be signed along.
    pub signing_data: Option<String>,
    /// The number as given, still to be checked: its error has a code of its own.
    pub phone_number: Option<String>,
    /// Picks the default message.
    pub language_code: Option<String>,
    /// Of the user's browser. Kept for the context of the secure message.
    pub ip_address: Option<std::net::IpAddr>,
    /// Of the user's browser. Kept for the context of the secure message.
    pub user_agent: Option<String>,
}

/// A transaction was started.
#[derive(Clone, Debug)]
pub struct Started {
    pub transaction_id: TransactionId,
    /// The method that runs.
    pub method: AuthenticationMethod,
    /// How long from initialisation, in milliseconds.
    pub time_to_live_millis: u64,
    pub expires_at: Timestamp,
    /// OTP: what the phone scans.
    pub otp: Option<SecretString>,
    /// Push: the device asked.
    pub device: Option<StartedDevice>,
}

/// The device a push went to.
#[derive(Clone, Debug)]
pub struct StartedDevice {
    /// As its user calls it.
    pub name: String,
    pub platform: Platform,
}

/// What a phone said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Accept,
    Deny,
    /// No, and it was not me who asked.
    Report,
}

/// Why a website's request was refused. Each has its `error_code` on the wire.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebsiteError {
    /// 1000.
    #[error("Mobile authentication is switched off.")]
    MobileAuthenticationDisabled,
    /// 1000.
    #[error("Push authentication is switched off.")]
    PushDisabled,
    /// 1001.
    #[error("There is no way to ask this user, or the user is unknown.")]
    NoWayToAsk,
    /// 1002.
    #[error("The push could not be started at the push service.")]
    PushNotSent,
    /// 1003.
    #[error("{parameter}: {problem}")]
    InvalidParameter {
        parameter: &'static str,
        /// What is wrong with it and what to do.
        problem: String,
    },
    /// 1005.
    #[error("`message` is longer than {characters_max} characters.")]
    MessageTooLong { characters_max: u32 },
    /// 1006.
    #[error("There is no such transaction.")]
    NoSuchTransaction,
    /// 3000.
    #[error("SMS authentication is switched off.")]
    SmsDisabled,
    /// 3001.
    #[error(
        "phone_number: is required for SMS, in international notation (E.164), such as +15055551234."
    )]
    InvalidPhoneNumber,
    /// 3002.
    #[error("The text message could not be sent.")]
    SmsNotSent,
    /// 3003.
    #[error("The code is wrong.")]
    WrongCode {
        /// How many are left, where there is a limit.
        attempts_left: Option<u32>,
    },
    /// 3004.
    #[error("There is no such pending transaction for this user.")]
    NoSuchPendingTransaction,
    /// 3005.
    #[error("The user is unknown.")]
    UnknownUser,
    /// 3006.
    #[error("The message may not be sent again: the limit is reached.")]
    ResendLimitReached,
    /// 4000.
    #[error("There is no authentication type of this name.")]
    UnknownType,
    /// `409`: cancelling what has ended.
    #[error("The transaction has ended already.")]
    AlreadyFinal,
    /// `429`: the user was asked too often.
    #[error("This user was asked too often on this device; try again later.")]
    TooManyPrompts {
        /// When the next prompt is possible.
        retry_after_seconds: u64,
    },
    /// `422`: the key came before with another request.
    #[error("This Idempotency-Key was used with another request before.")]
    IdempotencyKeyReused,
    /// `409`: the first request with this key has not been answered yet.
    #[error("The first request with this Idempotency-Key is still running; try again shortly.")]
    IdempotencyKeyInUse,
    /// `503`.
    #[error(
        "The server is busy or its database is out of reach; try again shortly. Nothing was changed."
    )]
    Unavailable,
}

/// How a transaction stands, for the website that started it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Waiting for an answer.
    Pending,
    /// The user, or the right code, said yes.
    Accepted,
    /// The user said no.
    Denied,
    /// Nobody answered in time.
    Expired,
    /// The website called it off.
    Cancelled,
    /// It could not be carried through.
    Failed,
}

/// Why a transaction ended without being accepted, by its wire name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// `not_accepted`: the user denied.
    NotAccepted,
    /// `invalid_answer`: the attempts are used up.
    InvalidAnswer,
    /// `failed_to_send`: the provider gave up.
    FailedToSend,
    /// `expired`.
    Expired,
    /// `cancelled`.
    Cancelled,
    /// `reported`: the user said, it was not me.
    Reported,
}

/// The result of a transaction, as it stands.
#[derive(Clone, Debug)]
pub struct TransactionResult {
    pub transaction_id: TransactionId,
    /// As asked for at the start.
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

/// A way to ask a user.
#[derive(Clone, Debug)]
pub struct AvailableType {
    /// The authentication type's name.
    pub type_name: String,
    pub method: AuthenticationMethod,
    /// Push: the devices it can be sent to.
    pub devices: Vec<AvailableDevice>,
}

/// A device a push can be sent to.
#[derive(Clone, Debug)]
pub struct AvailableDevice {
    pub application_id: String,
    pub application_name: String,
    pub device_id: DeviceId,
    /// As its user calls it.
    pub device_name: String,
    pub platform: Platform,
}

/// A pending transaction, as listed to the phone.
#[derive(Clone, Debug)]
pub struct PendingTransaction {
    pub transaction_id: TransactionId,
    /// Whom of the phone's users it is for.
    pub profile_id: ProfileId,
    pub method: AuthenticationMethod,
    pub message: String,
    /// When it was started.
    pub created_at: Timestamp,
    /// What is left, in whole seconds.
    pub time_to_live_seconds: u64,
}

/// A transaction, as fetched by the phone.
#[derive(Clone, Debug)]
pub struct FetchedTransaction {
    /// As in the list.
    pub pending: PendingTransaction,
    /// base64url SHA-256 of what is shown.
    pub content_digest: String,
    /// Compact JWE (`ECDH-ES`, `A256GCM`) to the enrolled key: JSON `{secure_message?,
    /// signing_data?}`.
    pub sealed: String,
}

/// Why a phone's request about a transaction was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// `not_found` 404.
    #[error("There is no such transaction for this device.")]
    NotFound,
    /// `already_final` 409.
    #[error("The transaction has ended already.")]
    AlreadyFinal { status: Status },
    /// `expired` 410.
    #[error("The transaction has expired.")]
    Expired,
    /// `wrong_authenticator` 403.
    #[error("This authenticator is not enrolled or does not do for this transaction.")]
    WrongAuthenticator,
    /// `invalid_answer` 401.
    #[error("The answer is not properly signed for this transaction.")]
    InvalidAnswer {
        /// How many are left, where there is a limit.
        attempts_left: Option<u32>,
    },
    /// `stale_digest` 422.
    #[error("The answer is about other content than this transaction's: fetch it again.")]
    StaleDigest,
    /// 503.
    #[error(
        "The server is busy or its database is out of reach; try again shortly. Nothing was changed."
    )]
    Unavailable,
}

/// How a website identifies a repeated request.
#[derive(Clone, Debug)]
pub struct IdempotencyKey {
    pub key: String,
    /// The request it belongs to: method, path and body.
    pub request: Vec<u8>,
    pub client_id: ClientId,
}
