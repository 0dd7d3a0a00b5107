//! [`Transactions`]: where the actors of pending transactions live, how one is found, restored from
//! its row and given commands, and how its message is delivered.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::actor::{TransactionActor, TransactionDirectory};
use super::delivery::{self, Delivery, Submission};
use super::messages::{Action, Caller, Command, CommandError};
use super::persist::{self, Record};
use super::services::Services;
use super::state::{Refusal, State};
use crate::callbacks::Callbacks;
use crate::clock::Clock;
use crate::devices::Devices;
use crate::devices::channel::Channels;
use crate::ids::TransactionId;
use crate::random::SharedRandom;
use crate::runtime::{Address, Admission, Arbiters, Directory, ShutdownSignal, ask};
use crate::secret::Keyring;
use crate::settings::CurrentSettings;
use crate::sms::{SmsDelivery, SmsSender};
use crate::store::Store;
use crate::telemetry::Metrics;
use crate::users::Users;

/// How often a command is sent to a transaction whose actor ended or whose row changed meanwhile.
const SENT_MAX: u32 = 4;

/// What transactions are made of.
pub struct TransactionParts {
    pub store: Store,
    pub clock: Clock,
    pub random: SharedRandom,
    pub keyring: Arc<Keyring>,
    pub settings: CurrentSettings,
    pub devices: Devices,
    pub channels: Channels,
    pub callbacks: Callbacks,
    pub sms: Arc<dyn SmsSender>,
    pub metrics: Metrics,
    pub arbiters: Arc<Arbiters>,
    /// Pending transactions in memory. Past it a transaction is refused with 503.
    pub live_max: usize,
    pub shutdown: ShutdownSignal,
}

/// The transactions. Cheap to clone.
#[derive(Clone)]
pub struct Transactions {
    pub(super) services: Arc<Services>,
    directory: Arc<TransactionDirectory>,
    admission: Admission,
}

impl Transactions {
    /// With no transaction in memory. Those that are pending in the database are restored when they
    /// are needed.
    #[must_use]
    pub fn new(parts: TransactionParts) -> Self {
        let users = Users::new(
            parts.store.clone(),
            parts.clock.clone(),
            Arc::clone(&parts.random),
        );
        let sms = SmsDelivery::new(
            parts.sms,
            parts.settings.clone(),
            parts.clock.clone(),
            parts.metrics.clone(),
        );

        Self {
            services: Arc::new(Services {
                store: parts.store,
                clock: parts.clock,
                random: parts.random,
                keyring: parts.keyring,
                settings: parts.settings,
                devices: parts.devices,
                users,
                channels: parts.channels,
                callbacks: parts.callbacks,
                sms,
                metrics: parts.metrics,
                shutdown: parts.shutdown,
            }),
            directory: Arc::new(Directory::new(parts.arbiters)),
            admission: Admission::new(parts.live_max),
        }
    }

    /// Pending transactions in memory.
    #[must_use]
    pub fn live(&self) -> usize {
        self.admission.admitted()
    }

    /// Lets the transaction's actor carry out the command. If the actor ends without an answer, or
    /// another writer was first, the command is sent again to an actor that starts from the row.
    pub(super) async fn command(
        &self,
        id: TransactionId,
        caller: Caller,
        action: Action,
    ) -> Result<(), CommandError> {
        for _ in 0..SENT_MAX {
            let address = self.find_or_restore(id, &caller).await?;
            let (caller, action) = (caller.clone(), action.clone());
            let answer = ask(&address, |reply| Command {
                caller,
                action,
                reply,
            });
            if let Ok(answer) = answer.await {
                return answer;
            }
        }
        Err(CommandError::Unavailable)
    }

    /// The actor of a pending transaction. Where none lives, it is started from the row, provided
    /// that the caller has anything to do with the transaction.
    pub(super) async fn find_or_restore(
        &self,
        id: TransactionId,
        caller: &Caller,
    ) -> Result<Address<TransactionActor>, CommandError> {
        if let Some(address) = self.directory.find(&id) {
            return Ok(address);
        }

        let row = persist::find(&self.services.store, id)
            .await?
            .ok_or(CommandError::NotFound)?;
        let record = Record::from_row(&row)?;
        if !record.obeys(caller) {
            return Err(CommandError::NotFound);
        }
        if let State::Final(ending) = record.state {
            return Err(CommandError::Refused(Refusal::AlreadyFinal(ending)));
        }

        self.host(record).ok_or(CommandError::Unavailable)
    }

    /// Starts the actor of a saved, pending transaction. `None` where there are too many.
    pub(super) fn host(&self, record: Record) -> Option<Address<TransactionActor>> {
        let metrics = &self.services.metrics;
        let Some(permit) = self.admission.try_enter() else {
            metrics.refused("live_transactions");
            return None;
        };

        let id = record.id;
        let this = self.clone();
        // Runs only if no actor lives yet, and so delivers once.
        let start = move || {
            if record.is_delivery_due() {
                drop(this.deliver(Delivery::of_row(id)));
            }
            TransactionActor::new(record, this.services, this.directory, permit)
        };

        let died = self.directory.died();
        let address = self.directory.find_or_start(&id, start);
        if self.directory.died() > died {
            metrics.actor_panicked("transaction");
        }
        address
    }

    /// Delivers a message in a task of its own. The receiver hears how it stands when the provider
    /// has answered, or when a start has to be answered.
    pub(super) fn deliver(&self, delivery: Delivery) -> oneshot::Receiver<Submission> {
        let (sender, receiver) = oneshot::channel();
        let (this, id) = (self.clone(), delivery.id);

        let report = move |action| {
            let this = this.clone();
            async move {
                // The transaction may have ended. If its row is unavailable, the deadline decides.
                if let Err(error) = this.command(id, Caller::Server, action).await {
                    tracing::debug!(transaction_id = %id, %error, "a delivery could not be reported");
                }
            }
        };
        tokio::spawn(delivery::run(
            Arc::clone(&self.services),
            delivery,
            sender,
            report,
        ));
        receiver
    }
}
