//! Getting the message out: tried again with growing pauses until the provider takes it, refuses it
//! for good, or the transaction's time is up.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::Shared;
use super::content::Content;
use super::messages::{Action, By};
use super::persist;
use crate::clock::Timestamp;
use crate::egress::DeliveryOutcome;
use crate::ids::{DeviceId, ProfileId, TransactionId};
use crate::otp::SmsCode;
use crate::push::PushMessage;
use crate::secret::SecretString;
use crate::sms::{self, PhoneNumber, SmsMessage};

/// How long a start waits for the provider before it answers all the same.
const PATIENCE: Duration = Duration::from_secs(3);

/// What is to be sent.
pub(super) enum Parcel {
    /// A push, by the device's channel.
    Push {
        device: DeviceId,
        message: PushMessage,
    },
    /// A text message, by the configured gateway.
    Sms(SmsMessage),
}

/// What is known when the patience ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum First {
    /// The provider took it.
    Taken,
    /// The provider refused it for good.
    Refused,
    /// Still trying.
    Delayed,
}

/// A delivery to be made.
pub(super) struct Delivery {
    pub(super) id: TransactionId,
    pub(super) expires_at: Timestamp,
    /// Absent: to be made up from the row.
    pub(super) parcel: Option<Parcel>,
    /// Whether the transaction fails when it cannot be delivered. A message sent again may fail:
    /// the first one is there.
    pub(super) decisive: bool,
}

/// Delivers in a task of its own, whoever may have hung up meanwhile.
pub(super) fn start(
    shared: &Arc<Shared>,
    delivery: Delivery,
    first: Option<oneshot::Sender<First>>,
) {
    tokio::spawn(deliver(Arc::clone(shared), delivery, first));
}

async fn deliver(shared: Arc<Shared>, delivery: Delivery, first: Option<oneshot::Sender<First>>) {
    let Delivery {
        id,
        expires_at,
        parcel,
        decisive,
    } = delivery;
    let tell_first = |outcome| {
        if let Some(first) = first {
            // Whoever asked may have gone.
            let _ = first.send(outcome);
        }
    };
    let mut sending = std::pin::pin!(send(&shared, id, expires_at, parcel));
    let in_time = tokio::select! {
        biased;
        taken = &mut sending => Some(taken),
        () = shared.clock.sleep(PATIENCE) => None,
    };
    match in_time {
        Some(true) => tell_first(First::Taken),
        Some(false) => {
            if decisive {
                report(&shared, id, Action::DeliveryFailed).await;
            }
            tell_first(First::Refused);
        }
        None => {
            if decisive {
                report(&shared, id, Action::DeliveryDelayed).await;
            }
            tell_first(First::Delayed);
            let outcome = if sending.await {
                Action::Delivered
            } else {
                Action::DeliveryFailed
            };
            if decisive {
                report(&shared, id, outcome).await;
            }
        }
    }
}

async fn report(shared: &Arc<Shared>, id: TransactionId, action: Action) {
    // Nothing to report to: the transaction has ended, or its row is out of reach and the deadline
    // decides.
    if let Err(error) = shared.command(id, By::Server, action, None, None).await {
        tracing::debug!(transaction_id = %id, %error, "a delivery could not be reported");
    }
}

/// Whether the provider took it.
async fn send(
    shared: &Arc<Shared>,
    id: TransactionId,
    expires_at: Timestamp,
    parcel: Option<Parcel>,
) -> bool {
    let parcel = match parcel {
        Some(parcel) => Some(parcel),
        None => load(shared, id, expires_at).await,
    };
    match parcel {
        None => false,
        Some(Parcel::Push { device, message }) => {
            shared.channels.deliver(&device, message).await == DeliveryOutcome::Taken
        }
        Some(Parcel::Sms(message)) => {
            shared.sms.deliver(id, expires_at, &message).await == DeliveryOutcome::Taken
        }
    }
}

/// The parcel of a transaction that is in the database only.
async fn load(shared: &Shared, id: TransactionId, expires_at: Timestamp) -> Option<Parcel> {
    let row = persist::find(&shared.store, id).await.ok()??;
    let content = Content::open(&shared.keyring, id, &row.content).ok()?;
    if let Some(message) = sms_message(shared, id, &content) {
        return Some(Parcel::Sms(message));
    }
    let device = DeviceId::new(row.device_id.as_deref()?).ok()?;
    let profile: ProfileId = row.profile_id.as_deref()?.parse().ok()?;
    Some(Parcel::Push {
        device,
        message: push_message(id, profile, &content, expires_at),
    })
}

/// The text message of a transaction; nothing where it is none of SMS.
pub(super) fn sms_message(
    shared: &Shared,
    id: TransactionId,
    content: &Content,
) -> Option<SmsMessage> {
    let sms = content.sms.as_ref()?;
    let to: PhoneNumber = sms.phone_number.parse().ok()?;
    let code = SmsCode::of(&shared.keyring, id);
    Some(SmsMessage {
        to,
        text: sms::message::render(&content.message, code.expose(), sms.web_origin.as_deref()),
        code: SecretString::new(code.expose().to_owned()),
        sender_id: sms.sender_id.clone(),
    })
}

/// The push of a transaction.
pub(super) fn push_message(
    id: TransactionId,
    profile_id: ProfileId,
    content: &Content,
    expires_at: Timestamp,
) -> PushMessage {
    PushMessage {
        transaction_id: id,
        profile_id,
        message: SecretString::new(content.message.clone()),
        expires_at,
    }
}
