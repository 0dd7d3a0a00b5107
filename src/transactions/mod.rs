//! Mobile authentication transactions: started by a website, answered by a phone or a code.
//!
//! Each pending one is an actor around a pure state machine (`state`), found through the directory
//! and rebuilt from its row where none lives. What is acknowledged is saved first, and a version in
//! the row decides between writers.

mod actor;
mod content;
mod delivery;
mod idempotency;
mod messages;
mod persist;
mod phone;
mod policy;
mod recovery;
mod state;
mod types;
mod website;

use std::sync::Arc;

use tokio::sync::oneshot;

pub use idempotency::Answer;
pub use types::{
    AvailableDevice, AvailableType, Decision, FetchedTransaction, IdempotencyKey,
    PendingTransaction, PhoneError, Reason, StartRequest, Started, StartedDevice, Status,
    TransactionResult, WebsiteError,
};

use actor::TransactionActor;
use delivery::First;
use messages::{Action, By, Command, CommandError};
use persist::Record;
use state::{Ending, Refusal, State, Step, Verdict};

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
use crate::store::rows::IdempotencyRow;
use crate::telemetry::metrics::Metrics;
use crate::users::Users;

/// How often a command is given anew to a transaction whose actor or row changed under it.
const TRIES_MAX: u32 = 4;

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
    /// Pending transactions in memory; one more is refused with 503.
    pub live_max: usize,
    pub shutdown: ShutdownSignal,
}

/// The transactions. Cheap to clone.
#[derive(Clone)]
pub struct Transactions(Arc<Shared>);

/// What all transactions share.
struct Shared {
    store: Store,
    clock: Clock,
    random: SharedRandom,
    keyring: Arc<Keyring>,
    settings: CurrentSettings,
    devices: Devices,
    users: Users,
    channels: Channels,
    callbacks: Callbacks,
    sms: SmsDelivery,
    metrics: Metrics,
    directory: Directory<TransactionId, TransactionActor>,
    admission: Admission,
    shutdown: ShutdownSignal,
}

impl Transactions {
    /// With nothing pending in memory; what is pending in the database is restored when it is
    /// needed.
    #[must_use]
    pub fn new(parts: TransactionParts) -> Self {
        let users = Users::new(
            parts.store.clone(),
            parts.clock.clone(),
            Arc::clone(&parts.random),
        );
        Self(Arc::new(Shared {
            users,
            store: parts.store,
            sms: SmsDelivery::new(
                parts.sms,
                parts.settings.clone(),
                parts.clock.clone(),
                parts.metrics.clone(),
            ),
            clock: parts.clock,
            random: parts.random,
            keyring: parts.keyring,
            settings: parts.settings,
            devices: parts.devices,
            channels: parts.channels,
            callbacks: parts.callbacks,
            metrics: parts.metrics,
            directory: Directory::new(parts.arbiters),
            admission: Admission::new(parts.live_max),
            shutdown: parts.shutdown,
        }))
    }

    /// Pending transactions in memory.
    #[must_use]
    pub fn live(&self) -> usize {
        self.0.admission.admitted()
    }
}

impl Shared {
    /// Has the transaction's actor carry out the command, restoring it where none lives. A command
    /// that was cut short by an actor's end or another writer is given once more to what the row
    /// then says.
    async fn command(
        self: &Arc<Self>,
        id: TransactionId,
        by: By,
        action: Action,
        idempotency: Option<Box<IdempotencyRow>>,
        sent: Option<oneshot::Sender<First>>,
    ) -> Result<Verdict, CommandError> {
        let mut sent = sent;
        for _ in 0..TRIES_MAX {
            let address = match self.directory.find(&id) {
                Some(address) => address,
                None => self.restore(id, &by).await?,
            };
            let (by, action, idempotency, sent) =
                (by.clone(), action.clone(), idempotency.clone(), sent.take());
            match ask(&address, |reply| Command {
                by,
                action,
                idempotency,
                sent,
                reply,
            })
            .await
            {
                Ok(Err(CommandError::Stale)) | Err(_) => {}
                Ok(answer) => return answer,
            }
        }
        Err(CommandError::Unavailable)
    }

    /// Starts the actor of a transaction from its row, if whoever acts has anything to do with it
    /// and it is pending.
    async fn restore(
        self: &Arc<Self>,
        id: TransactionId,
        by: &By,
    ) -> Result<Address<TransactionActor>, CommandError> {
        let found = persist::find(&self.store, id)
            .await
            .map_err(|_| CommandError::Unavailable)?;
        let row = found.ok_or(CommandError::NotTheirs)?;
        let record = Record::from_row(&row).map_err(|_| CommandError::Unavailable)?;
        if !record.belongs_to(by) {
            return Err(CommandError::NotTheirs);
        }
        if let State::Final(ending) = record.state {
            return Err(CommandError::Refused(Refusal::AlreadyFinal(ending)));
        }
        self.host(record).ok_or(CommandError::Unavailable)
    }

    /// The actor of a saved, pending transaction. Nothing where there are too many.
    fn host(self: &Arc<Self>, record: Record) -> Option<Address<TransactionActor>> {
        let Some(permit) = self.admission.try_enter() else {
            self.metrics.refused("live_transactions");
            return None;
        };
        let shared = Arc::clone(self);
        let died = self.directory.died();
        let id = record.id;
        let address = self
            .directory
            .find_or_start(&id, move || TransactionActor::new(record, shared, permit));
        if self.directory.died() > died {
            self.metrics.actor_panicked("transaction");
        }
        address
    }

    /// Counts what was saved.
    fn note(&self, record: &Record, decided: &Step) {
        if let State::Final(ending) = decided.next {
            self.metrics
                .transaction_finished(persist::method_name(record.method), ending_name(ending));
        }
    }
}

/// The values of `transactions.method` whose transactions prompt a user on a device.
#[must_use]
pub fn prompting_methods() -> Vec<i16> {
    vec![crate::store::rows::transaction_method::PUSH]
}

const fn ending_name(ending: Ending) -> &'static str {
    match ending {
        Ending::Accepted => "accepted",
        Ending::Denied | Ending::Reported => "denied",
        Ending::Expired => "expired",
        Ending::Cancelled => "cancelled",
        Ending::InvalidAnswer | Ending::FailedToSend => "failed",
    }
}
