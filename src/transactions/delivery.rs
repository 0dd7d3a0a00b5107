//! Delivers the message of a transaction, and reports what became of it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::messages::Action;
use super::methods::Message;
use super::persist;
use super::services::Services;
use crate::clock::Timestamp;
use crate::egress::DeliveryOutcome;
use crate::ids::TransactionId;
use crate::store::StoreError;

/// How long a start waits for the provider before it is answered all the same.
const PATIENCE: Duration = Duration::from_secs(3);

/// How a delivery stands when the start has to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Submission {
    /// The provider took the message.
    Taken,
    /// The provider refused it for good.
    Refused,
    /// It is still being tried.
    Delayed,
}

/// A delivery to be made.
pub(super) struct Delivery {
    pub(super) id: TransactionId,
    /// The message and its deadline; `None` where they are to be made from the row.
    pub(super) message: Option<(Message, Timestamp)>,
    /// Whether the transaction fails if the message cannot be delivered. It does not when the
    /// message is sent again: the first one was delivered.
    pub(super) decisive: bool,
}

impl Delivery {
    /// Of a transaction that was restored from its row.
    pub(super) const fn of_row(id: TransactionId) -> Self {
        Self {
            id,
            message: None,
            decisive: true,
        }
    }

    /// Of a message that is sent again.
    pub(super) const fn again(id: TransactionId) -> Self {
        Self {
            id,
            message: None,
            decisive: false,
        }
    }
}

/// Delivers, tells `submission` how it stands after [`PATIENCE`] at the latest, and reports to the
/// transaction if the delivery is decisive.
pub(super) async fn run<R, F>(
    services: Arc<Services>,
    delivery: Delivery,
    submission: oneshot::Sender<Submission>,
    report: R,
) where
    R: Fn(Action) -> F,
    F: Future<Output = ()>,
{
    let Delivery {
        id,
        message,
        decisive,
    } = delivery;

    let report_if_decisive = async |action| {
        if decisive {
            report(action).await;
        }
    };

    let tell = |outcome| {
        // Whoever waits may have gone.
        let _ = submission.send(outcome);
    };

    let mut sending = std::pin::pin!(send(&services, id, message));
    let in_time = tokio::select! {
        biased;
        outcome = &mut sending => Some(outcome),
        () = services.base.clock.sleep(PATIENCE) => None,
    };

    match in_time {
        Some(DeliveryOutcome::Taken) => tell(Submission::Taken),
        Some(DeliveryOutcome::GivenUp) => {
            report_if_decisive(Action::DeliveryFailed).await;
            tell(Submission::Refused);
        }
        None => {
            report_if_decisive(Action::DeliveryDelayed).await;
            tell(Submission::Delayed);

            let action = match sending.await {
                DeliveryOutcome::Taken => Action::Delivered,
                DeliveryOutcome::GivenUp => Action::DeliveryFailed,
            };
            report_if_decisive(action).await;
        }
    }
}

async fn send(
    services: &Services,
    id: TransactionId,
    message: Option<(Message, Timestamp)>,
) -> DeliveryOutcome {
    let message = match message {
        Some(message) => Some(message),
        None => load(services, id).await.unwrap_or_else(|error| {
            tracing::warn!(transaction_id = %id, %error, "a message could not be loaded");
            None
        }),
    };

    match message {
        Some((Message::Push { device, message }, _)) => {
            services.channels.deliver(&device, message).await
        }
        Some((Message::Sms(message), expires_at)) => {
            services.sms.deliver(id, expires_at, &message).await
        }
        None => DeliveryOutcome::GivenUp,
    }
}

/// The message of a transaction, made from its row, and its deadline.
async fn load(
    services: &Services,
    id: TransactionId,
) -> Result<Option<(Message, Timestamp)>, StoreError> {
    let Some(row) = persist::find(&services.base.store, id).await? else {
        return Ok(None);
    };
    let message = persist::message_of(&row, &services.base.keyring)?;
    Ok(message.map(|message| (message, Timestamp::from_millis(row.expires_at))))
}
