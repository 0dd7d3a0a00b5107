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

use tokio::sync::{Semaphore, oneshot};

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

use crate::base::Base;
use crate::callbacks::Callbacks;
use crate::devices::Devices;
use crate::devices::channel::Channels;
use crate::ids::TransactionId;
use crate::runtime::{Address, Arbiters, Directory, DirectoryOptions, ShutdownSignal, ask};
use crate::sms::SmsSender;
use crate::store::rows::IdempotencyRow;
use crate::users::Users;

/// Text messages being handed to the gateway at a time; further ones wait.
const SMS_IN_FLIGHT_MAX: usize = 256;
/// How often a command is given anew to a transaction whose actor or row changed under it.
const TRIES_MAX: u32 = 4;

/// What transactions are made of.
pub struct TransactionParts {
    pub devices: Devices,
    pub users: Users,
    pub channels: Channels,
    pub callbacks: Callbacks,
    pub sms: Arc<dyn SmsSender>,
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
    base: Base,
    devices: Devices,
    users: Users,
    channels: Channels,
    callbacks: Callbacks,
    sms: Arc<dyn SmsSender>,
    sms_permits: Semaphore,
    directory: Directory<TransactionId, TransactionActor>,
    shutdown: ShutdownSignal,
}

impl Transactions {
    /// With nothing pending in memory; what is pending in the database is restored when it is
    /// needed.
    #[must_use]
    pub fn new(base: &Base, parts: TransactionParts) -> Self {
        let directory = Directory::new(DirectoryOptions {
            actor: "transaction",
            bound: "live_transactions",
            live_max: parts.live_max,
            live: base.metrics.live_transactions().clone(),
            arbiters: parts.arbiters,
            metrics: base.metrics.clone(),
        });
        Self(Arc::new(Shared {
            base: base.clone(),
            devices: parts.devices,
            users: parts.users,
            channels: parts.channels,
            callbacks: parts.callbacks,
            sms: parts.sms,
            sms_permits: Semaphore::new(SMS_IN_FLIGHT_MAX),
            directory,
            shutdown: parts.shutdown,
        }))
    }

    /// Pending transactions in memory.
    #[must_use]
    pub fn live(&self) -> usize {
        self.0.directory.live()
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
        let found = persist::find(&self.base.store, id)
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
        let (shared, id) = (Arc::clone(self), record.id);
        self.directory.find_or_start(&id, move |permit| {
            TransactionActor::new(record, shared, permit)
        })
    }

    /// Counts what was saved.
    fn note(&self, record: &Record, decided: &Step) {
        if let State::Final(ending) = decided.next {
            self.base
                .metrics
                .transaction_finished(persist::method_name(record.method), ending_name(ending));
        }
    }
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
