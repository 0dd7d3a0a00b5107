//! The messages that methods send.

use crate::clock::Timestamp;
use crate::devices::Destination;
use crate::ids::{DeviceId, ProfileId, TransactionId, UserId};
use crate::push::PushMessage;
use crate::secret::Keyring;
use crate::sms::SmsMessage;
use crate::transactions::content::Content;
use crate::transactions::error::WebsiteError;

/// A message on its way to a user.
pub(in crate::transactions) enum Message {
    /// Sent by the device's channel.
    Push {
        device: DeviceId,
        /// Where it goes, if that was read just now.
        destination: Option<Destination>,
        message: PushMessage,
    },
    /// Sent by the configured gateway.
    Sms(SmsMessage),
}

/// How a message travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::transactions) enum MessageKind {
    Push,
    Sms,
}

impl MessageKind {
    /// What the website hears where the provider refused the message.
    pub(in crate::transactions) const fn not_sent(self) -> WebsiteError {
        match self {
            Self::Push => WebsiteError::PushNotSent,
            Self::Sms => WebsiteError::SmsNotSent,
        }
    }
}

/// Whom a transaction is for, once that is known.
#[derive(Clone, Debug, Default)]
pub(in crate::transactions) struct Recipient {
    pub user: Option<UserId>,
    pub device: Option<DeviceId>,
    /// Where pushes to the device go, if that was read just now.
    pub destination: Option<Destination>,
    pub profile: Option<ProfileId>,
}

/// What a message is made from.
pub(in crate::transactions) struct Outgoing<'a> {
    pub id: TransactionId,
    pub recipient: &'a Recipient,
    pub content: &'a Content,
    pub expires_at: Timestamp,
    /// Derives codes.
    pub keyring: &'a Keyring,
}
