//! [`Transactions`]: where the actors of pending transactions live, how one is found, restored from
//! its row and given commands.

use std::sync::Arc;

use super::actor::{TransactionActor, TransactionDirectory};
use super::delivery::settlement::Deliveries;
use super::messages::{Action, Caller, Command, CommandError, Leave};
use super::persist::{self, Reads, Record};
use super::services::Services;
use super::state::{Refusal, State};
use crate::base::Base;
use crate::callbacks::Callbacks;
use crate::devices::Devices;
use crate::devices::channel::Channels;
use crate::ids::TransactionId;
use crate::runtime::{
    Address, Arbiters, Directory, DirectoryOptions, Gone, Permit, ShutdownSignal, ask,
};
use crate::sms::{SmsDelivery, SmsSender};
use crate::users::Users;

/// How often a command is sent to a transaction whose actor ended or whose row changed meanwhile.
const SENT_MAX: u32 = 4;

/// What transactions need.
pub struct TransactionParts {
    pub devices: Devices,
    pub users: Users,
    pub channels: Channels,
    pub callbacks: Callbacks,
    pub sms: Arc<dyn SmsSender>,
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
}

impl Transactions {
    /// With no transaction in memory. Those that are pending in the database are restored when they
    /// are needed.
    #[must_use]
    pub fn new(base: &Base, parts: TransactionParts) -> Self {
        let services = Services {
            base: base.clone(),
            devices: parts.devices,
            users: parts.users,
            channels: parts.channels,
            callbacks: parts.callbacks,
            sms: SmsDelivery::new(base.clone(), parts.sms),
            deliveries: Deliveries::default(),
            reads: Reads::new(&base.store),
            shutdown: parts.shutdown,
        };

        let directory = Directory::new(DirectoryOptions {
            actor: "transaction",
            bound: "live_transactions",
            live_max: parts.live_max,
            live: base.metrics.live_transactions().clone(),
            arbiters: parts.arbiters,
            metrics: base.metrics.clone(),
        });

        Self {
            services: Arc::new(services),
            directory: Arc::new(directory),
        }
    }

    /// Lets the transaction's actor carry out the command. If the actor ends without an answer, or
    /// another writer was first, the command is sent again to an actor that starts from the row.
    pub(super) async fn command(
        &self,
        id: TransactionId,
        caller: Caller,
        action: Action,
    ) -> Result<(), CommandError> {
        let mut is_confirmed = false;

        for _ in 0..SENT_MAX {
            let address = self.find_or_restore(id, &caller).await?;
            let (sender, asked) = (caller.clone(), action.clone());
            let answer = ask(&address, |reply| Command {
                caller: sender,
                action: asked,
                reply,
            });

            match answer.await {
                Ok(Err(CommandError::NotFound)) if !is_confirmed => {
                    is_confirmed = true;
                    self.confirm_not_found(id, &caller, &address).await?;
                }
                Ok(answer) => return answer,
                // The actor has ended: the next round starts one from the row.
                Err(Gone) => {}
            }
        }

        // Each time the actor ended before it answered: it may have saved the change.
        Err(CommandError::Undecided)
    }

    /// An actor has refused because of whom it takes the transaction for. Another server may have
    /// changed that: the row decides. If it says otherwise, the actor leaves.
    async fn confirm_not_found(
        &self,
        id: TransactionId,
        caller: &Caller,
        address: &Address<TransactionActor>,
    ) -> Result<(), CommandError> {
        let row = persist::find(&self.services.base.store, id).await?;
        let row = row.ok_or(CommandError::NotFound)?;
        if !Record::from_row(&row)?.obeys(caller) {
            return Err(CommandError::NotFound);
        }

        let _left = ask(address, |_reply| Leave { _reply }).await;

        Ok(())
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

        let row = persist::find(&self.services.base.store, id)
            .await?
            .ok_or(CommandError::NotFound)?;
        let record = Record::from_row(&row)?;
        // Before an actor is started: others must not fill the memory with transactions that are
        // not theirs.
        if !record.obeys(caller) {
            return Err(CommandError::NotFound);
        }

        // A final transaction needs no actor: its row says everything.
        if let State::Final(ending) = record.state {
            return Err(CommandError::Refused(Refusal::AlreadyFinal(ending)));
        }

        self.host(record).ok_or(CommandError::Unavailable)
    }

    /// Starts the actor of a saved, pending transaction. `None` where there are too many.
    fn host(&self, record: Record) -> Option<Address<TransactionActor>> {
        let (id, this) = (record.id, self.clone());

        self.directory
            .find_or_start(&id, move |permit| this.actor(record, permit))
    }

    /// Starts the actor of a transaction that was admitted and then saved.
    pub(super) fn host_admitted(&self, record: Record, permit: Permit) {
        let (id, this) = (record.id, self.clone());

        // During shutdown none is started: the row stands, and whoever needs it restores it.
        drop(
            self.directory
                .find_or_start_admitted(&id, permit, move |permit| this.actor(record, permit)),
        );
    }

    /// Room for the actor of one more transaction. `None` where there are too many.
    pub(super) fn admit(&self) -> Option<Permit> {
        self.directory.admit()
    }

    fn actor(self, record: Record, permit: Permit) -> TransactionActor {
        TransactionActor::new(record, self.services, self.directory, permit)
    }
}
