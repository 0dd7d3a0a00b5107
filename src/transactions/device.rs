//! What devices do with transactions: list, fetch and claim them. Answering is in `answer`.

use std::pin::pin;
use std::time::Duration;

use super::error::DeviceRequestError;
use super::facade::Transactions;
use super::messages::{Action, Caller, CommandError};
use super::persist::{self, Record};
use super::services::Services;
use super::state::{Ending, Refusal, State};
use super::types::{FetchedTransaction, PendingTransaction};
use super::website::LOOK_AGAIN;
use crate::clock::Timestamp;
use crate::ids::{DeviceId, ProfileId, TransactionId};
use crate::jose::{PublicJwk, jwe};
use crate::otp;
use crate::store::rows::{AskedRow, TransactionRow};
use crate::store::{CorruptRow, StoreError};

impl Transactions {
    /// What waits for an answer on this device, oldest first. With `wait`, answers as soon as there
    /// is something or the time is up.
    pub async fn pending(
        &self,
        device: &DeviceId,
        wait: Duration,
    ) -> Result<Vec<PendingTransaction>, DeviceRequestError> {
        let services = &self.services;
        let listed = services.list(device).await?;
        if !listed.is_empty() || wait.is_zero() {
            return Ok(listed);
        }

        // Listens first and then looks again, so that nothing is missed that arrives in between.
        let arrival = services.channels.arrival(device);
        let listed = services.list(device).await?;
        if !listed.is_empty() {
            return Ok(listed);
        }

        let mut arrival = pin!(arrival);
        let mut shutdown = services.shutdown.clone();
        let clock = &services.base.clock;
        let deadline = clock.now().after(wait);

        loop {
            let next = clock.now().after(LOOK_AGAIN).min(deadline);
            let is_last = tokio::select! {
                () = &mut arrival => true,
                () = shutdown.begun() => true,
                () = clock.sleep_until(next) => next == deadline,
            };

            // It may have been started on another server.
            let listed = services.list(device).await?;
            if is_last || !listed.is_empty() {
                return Ok(listed);
            }
        }
    }

    /// A pending transaction of this device, with its confidential part encrypted to the enrolled
    /// key.
    pub async fn fetch(
        &self,
        device: &DeviceId,
        id: TransactionId,
    ) -> Result<FetchedTransaction, DeviceRequestError> {
        let asked = self.services.find_asked(device, id).await?;
        self.services.seal_for_device(&asked.row)
    }

    /// Gives the transaction of a scanned one-time password to the user of this profile, and fetches
    /// it.
    pub async fn claim_otp(
        &self,
        device: &DeviceId,
        profile: &ProfileId,
        one_time_password: &str,
    ) -> Result<FetchedTransaction, DeviceRequestError> {
        let services = &self.services;
        let id = otp::transaction_of(&services.base.keyring, one_time_password)
            .ok_or(DeviceRequestError::NotFound)?;

        let enrolment = services
            .devices
            .enrolment_by_profile(device, profile)
            .await?
            .ok_or(DeviceRequestError::NotFound)?;

        if services.users.is_disabled(&enrolment.user_id).await? {
            return Err(DeviceRequestError::NotFound);
        }

        let claim = Action::Claim {
            user: enrolment.user_id,
            device: device.clone(),
            profile: *profile,
        };

        match self.command(id, Caller::Server, claim).await {
            // The device has claimed it before and did not get the answer.
            Ok(()) | Err(CommandError::Refused(Refusal::NothingToDo)) => {
                self.fetch(device, id).await
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// A transaction that a device is asked about.
pub(super) struct Asked {
    pub(super) row: AskedRow,
    pub(super) record: Record,
}

impl From<CommandError> for DeviceRequestError {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::NotFound
            | CommandError::UserDisabled
            | CommandError::Refused(Refusal::AlreadyClaimed) => Self::NotFound,
            CommandError::Refused(Refusal::AlreadyFinal(ending)) => ended(ending),
            CommandError::WrongAnswer { attempts_left } => Self::InvalidAnswer { attempts_left },
            CommandError::Refused(Refusal::ResendLimitReached | Refusal::NothingToDo)
            | CommandError::TooManyPrompts { .. }
            | CommandError::TooManyMessages { .. }
            | CommandError::Unavailable => Self::Unavailable,
            CommandError::Undecided => Self::Undecided,
        }
    }
}

const fn ended(ending: Ending) -> DeviceRequestError {
    match ending {
        Ending::Expired => DeviceRequestError::Expired,
        other => DeviceRequestError::AlreadyFinal {
            status: other.status(),
        },
    }
}

impl Services {
    async fn list(&self, device: &DeviceId) -> Result<Vec<PendingTransaction>, DeviceRequestError> {
        let now = self.base.clock.now();
        let rows = self.reads.pending(device, now).await?;
        let listed = rows.iter().map(|row| self.pending_of(row, now));

        Ok(listed.collect::<Result<_, _>>()?)
    }

    /// A pending transaction of this device.
    pub(super) async fn find_asked(
        &self,
        device: &DeviceId,
        id: TransactionId,
    ) -> Result<Asked, DeviceRequestError> {
        let row = self.reads.asked(device, id).await?;
        let row = row.ok_or(DeviceRequestError::NotFound)?;
        let record = Record::from_row(&row.transaction)?;

        match record.state {
            State::Final(ending) => Err(ended(ending)),
            State::Pending(_) if record.limits.expires_at <= self.base.clock.now() => {
                Err(DeviceRequestError::Expired)
            }
            State::Pending(_) => Ok(Asked { row, record }),
        }
    }

    fn pending_of(
        &self,
        row: &TransactionRow,
        now: Timestamp,
    ) -> Result<PendingTransaction, StoreError> {
        let content = persist::open_content(row, &self.base.keyring)?;
        persist::pending_of(row, content.message, now)
    }

    fn seal_for_device(&self, asked: &AskedRow) -> Result<FetchedTransaction, DeviceRequestError> {
        // The user is not enrolled on the device any more.
        let key = asked
            .enrolment_key
            .as_deref()
            .ok_or(DeviceRequestError::NotFound)?;
        let key = PublicJwk::from_json(key)
            .map_err(|_| StoreError::from(CorruptRow::new("enrolments", &asked.transaction.id)))?;

        let row = &asked.transaction;
        let content = persist::open_content(row, &self.base.keyring)?;
        let content_digest = content.digest();

        let sealed = jwe::encrypt(&key, &content.shown(), &*self.base.random)
            .map_err(|_| DeviceRequestError::Unavailable)?;

        Ok(FetchedTransaction {
            pending: persist::pending_of(row, content.message, self.base.clock.now())?,
            content_digest,
            sealed,
        })
    }
}
