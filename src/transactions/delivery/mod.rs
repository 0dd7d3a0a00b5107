//! How the message of a transaction reaches the user: once, or it is known that it did not.
//!
//! That a message is owed is part of the commit that starts the transaction or grants the resend,
//! with a lease for the server that made it. Attempts are made under the lease (`lease`). Once the
//! provider has taken the message, that is recorded a moment later, together with many others
//! (`settlement`). When a lease runs out, because its server died, whichever server notices takes
//! the delivery over (`takeover`): the fence tells the two apart, and the recorded progress tells
//! whether the message may have been taken already.

mod lease;
pub(super) mod settlement;
mod takeover;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::facade::Transactions;
use super::messages::{Action, Caller, CommandError};
use super::methods::Message;
use super::owed::Owed;
use super::services::Services;
use crate::devices::channel::Push;
use crate::egress::DeliveryOutcome;
use lease::RowLease;
use settlement::Settled;

/// How long a start waits for the provider before it is answered all the same.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// How long to wait before a failure is reported again to a database that was away.
const REPORT_PAUSE: Duration = Duration::from_secs(1);

/// How a delivery stands when the start has to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Submission {
    /// The provider took the message, or may have.
    Taken,
    /// The provider refused it for good.
    Refused,
    /// It is still being tried.
    Delayed,
}

impl Transactions {
    /// Delivers a message in a task of its own. The receiver hears how it stands after [`PATIENCE`]
    /// at the latest.
    pub(super) fn deliver(&self, owed: Owed) -> oneshot::Receiver<Submission> {
        let (sender, receiver) = oneshot::channel();

        tokio::spawn(run(self.clone(), owed, sender));

        receiver
    }
}

async fn run(transactions: Transactions, owed: Owed, submission: oneshot::Sender<Submission>) {
    let services = Arc::clone(&transactions.services);
    let under_way = services.deliveries.begin(owed.id, owed.fence);

    let mut sending = std::pin::pin!(send(&services, &owed));
    let in_time = tokio::select! {
        // Where both are ready, what has ended is told as it ended.
        biased;
        outcome = &mut sending => Some(outcome),
        () = services.base.clock.sleep(PATIENCE) => None,
    };

    // Whoever waits may have gone.
    match in_time {
        Some(outcome) => {
            // First the row: whoever is told of a failure finds the transaction failed.
            settle(&transactions, &owed, outcome).await;
            let _ = submission.send(submission_of(outcome));

            if owed.is_looked_for {
                let store = &services.base.store;
                services.deliveries.record_now(store, owed.id).await;
            }
        }
        None => {
            let _ = submission.send(Submission::Delayed);
            let outcome = sending.await;
            settle(&transactions, &owed, outcome).await;
        }
    }

    under_way.end();
}

async fn send(services: &Arc<Services>, owed: &Owed) -> DeliveryOutcome {
    let lease = RowLease::new(Arc::clone(services), owed);

    match &owed.message {
        Message::Push {
            device,
            destination,
            message,
        } => {
            let push = Push {
                message: message.clone(),
                destination: destination.clone(),
                lease: Arc::new(lease),
            };
            services.channels.deliver(device, push).await
        }
        Message::Sms(message) => {
            let Owed { id, expires_at, .. } = *owed;
            services.sms.deliver(id, expires_at, message, &lease).await
        }
    }
}

/// Records what became of the message.
async fn settle(transactions: &Transactions, owed: &Owed, outcome: DeliveryOutcome) {
    let services = &transactions.services;
    let settled = |delivered| Settled {
        id: owed.id,
        fence: owed.fence,
        delivered,
    };

    match outcome {
        DeliveryOutcome::Taken => services.deliveries.settle(settled(true)),
        DeliveryOutcome::InDoubt => {
            tracing::warn!(
                transaction_id = %owed.id,
                "a message may have been taken, and is not sent again"
            );
            services.deliveries.settle(settled(true));
        }
        // Where an earlier message was delivered, the user can still answer.
        DeliveryOutcome::GivenUp if owed.is_first => report_failure(transactions, owed).await,
        DeliveryOutcome::GivenUp => services.deliveries.settle(settled(false)),
        DeliveryOutcome::NotOwed => {}
    }
}

/// Fails the transaction. While the database is away, that is tried until the deadline decides.
async fn report_failure(transactions: &Transactions, owed: &Owed) {
    let clock = &transactions.services.base.clock;

    loop {
        let action = Action::DeliveryFailed { fence: owed.fence };
        let reported = transactions.command(owed.id, Caller::Server, action).await;

        match reported {
            Err(CommandError::Unavailable | CommandError::Undecided)
                if clock.now() < owed.expires_at =>
            {
                clock.sleep(REPORT_PAUSE).await;
            }
            // It may have ended meanwhile.
            Ok(()) | Err(_) => return,
        }
    }
}

const fn submission_of(outcome: DeliveryOutcome) -> Submission {
    match outcome {
        DeliveryOutcome::Taken | DeliveryOutcome::InDoubt => Submission::Taken,
        DeliveryOutcome::GivenUp => Submission::Refused,
        DeliveryOutcome::NotOwed => Submission::Delayed,
    }
}
