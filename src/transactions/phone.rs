//! What phones do with transactions.

use std::time::Duration;

use futures_util::future::try_join_all;

use super::content::Content;
use super::messages::{Action, By, CommandError};
use super::persist::{self, Record};
use super::state::{Ending, Refusal, State, Verdict};
use super::types::{Decision, FetchedTransaction, PendingTransaction, PhoneError, Status};
use super::{Shared, Transactions};
use crate::clock::Timestamp;
use crate::ids::{DeviceId, ProfileId, TransactionId, UserId};
use crate::jose::{jwe, jws};
use crate::otp;
use crate::settings::AuthenticationMethod;
use crate::store::StoreError;
use crate::store::rows::TransactionRow;
use serde::Deserialize;

/// Pending transactions listed at a time.
const LISTED_MAX: i64 = 50;
/// How far the phone's clock may be off, either way.
const CLOCK_SKEW_MAX: Duration = Duration::from_secs(300);

/// What the phone signs.
#[derive(Deserialize)]
struct SignedAnswer {
    transaction_id: TransactionId,
    decision: SignedDecision,
    content_digest: String,
    iat: i64,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum SignedDecision {
    Accept,
    Deny,
    Report,
}

impl From<SignedDecision> for Decision {
    fn from(signed: SignedDecision) -> Self {
        match signed {
            SignedDecision::Accept => Self::Accept,
            SignedDecision::Deny => Self::Deny,
            SignedDecision::Report => Self::Report,
        }
    }
}

impl From<StoreError> for PhoneError {
    fn from(_: StoreError) -> Self {
        Self::Unavailable
    }
}

impl Transactions {
    /// What waits for an answer on this device, oldest first. With `wait`, answers as soon as there
    /// is something.
    ///
    /// # Errors
    /// [`PhoneError::Unavailable`].
    pub async fn pending(
        &self,
        device: &DeviceId,
        wait: Duration,
    ) -> Result<Vec<PendingTransaction>, PhoneError> {
        let listed = self.0.list(device).await?;
        if !listed.is_empty() || wait.is_zero() {
            return Ok(listed);
        }
        // First listen, then look again: nothing that arrives in between is missed.
        let arrival = self.0.channels.arrival(device);
        let listed = self.0.list(device).await?;
        if !listed.is_empty() {
            return Ok(listed);
        }
        let mut shutdown = self.0.shutdown.clone();
        tokio::select! {
            () = arrival => {}
            () = self.0.base.clock.sleep(wait) => {}
            () = shutdown.begun() => {}
        }
        self.0.list(device).await
    }

    /// All of a transaction: what is secret in it sealed to the enrolled key.
    ///
    /// # Errors
    /// Not this device's, or ended.
    pub async fn fetch(
        &self,
        device: &DeviceId,
        id: TransactionId,
    ) -> Result<FetchedTransaction, PhoneError> {
        let row = self.0.find_for_phone(device, id).await?;
        self.0.seal_for_phone(device, &row).await
    }

    /// Takes a phone's signed answer.
    ///
    /// # Errors
    /// Not this device's, ended, not properly signed, or about other content.
    pub async fn answer(
        &self,
        device: &DeviceId,
        id: TransactionId,
        authenticator: &str,
        jws: &str,
    ) -> Result<Status, PhoneError> {
        let row = self.0.find_for_phone(device, id).await?;
        let record = Record::from_row(&row).map_err(|_| PhoneError::Unavailable)?;
        let user = record.user.as_ref().ok_or(PhoneError::NotFound)?;
        // The methods of today are answered with the installation's key.
        if authenticator != "device" {
            return Err(PhoneError::WrongAuthenticator);
        }
        let key = self
            .0
            .devices
            .answering_key(device, user, authenticator)
            .await?;
        let key = key.ok_or(PhoneError::WrongAuthenticator)?;
        let content = self.0.open(id, &row)?;
        let action = match read_answer(&jws::verify(&key, jws, None), id, self.0.base.clock.now()) {
            None => Action::WrongAnswer,
            Some(answer) if answer.content_digest != content.digest() => {
                return Err(PhoneError::StaleDigest);
            }
            Some(answer) => Action::Answer {
                decision: answer.decision.into(),
                jws: jws.to_owned(),
            },
        };
        let status = decided_status(&action);
        match self
            .0
            .command(id, By::Phone(device.clone()), action, None, None)
            .await
        {
            Ok(Verdict::Done) => Ok(status),
            Ok(Verdict::Wrong { attempts_left }) => {
                Err(PhoneError::InvalidAnswer { attempts_left })
            }
            Ok(Verdict::TooLate) => Err(PhoneError::Expired),
            Err(error) => Err(refused(error)),
        }
    }

    /// Makes a scanned one-time password's transaction this user's and fetches it.
    ///
    /// # Errors
    /// Not a password of a pending transaction, claimed by somebody else, or the profile is not
    /// enrolled.
    pub async fn claim_otp(
        &self,
        device: &DeviceId,
        profile: &ProfileId,
        one_time_password: &str,
    ) -> Result<FetchedTransaction, PhoneError> {
        let id = otp::transaction_of(&self.0.base.keyring, one_time_password)
            .ok_or(PhoneError::NotFound)?;
        let enrolment = self
            .0
            .devices
            .enrolment_by_profile(device, profile)
            .await?
            .ok_or(PhoneError::NotFound)?;
        if self.0.users.is_disabled(&enrolment.user_id).await? {
            return Err(PhoneError::NotFound);
        }
        let action = Action::Claim {
            user: enrolment.user_id,
            device: device.clone(),
            profile: *profile,
        };
        match self.0.command(id, By::Server, action, None, None).await {
            Ok(Verdict::Done) | Err(CommandError::Refused(Refusal::NothingToDo)) => {
                self.fetch(device, id).await
            }
            Ok(Verdict::TooLate) => Err(PhoneError::Expired),
            Ok(Verdict::Wrong { .. }) => Err(PhoneError::Unavailable),
            Err(error) => Err(refused(error)),
        }
    }
}

/// The answer in a verified JWS, if it is about this transaction and of this time.
fn read_answer<E>(
    verified: &Result<Vec<u8>, E>,
    id: TransactionId,
    now: Timestamp,
) -> Option<SignedAnswer> {
    let answer: SignedAnswer = serde_json::from_slice(verified.as_ref().ok()?).ok()?;
    let signed_at = Timestamp::from_millis(answer.iat.checked_mul(1000)?);
    let timely = signed_at <= now.after(CLOCK_SKEW_MAX) && signed_at >= now.before(CLOCK_SKEW_MAX);
    (answer.transaction_id == id && timely).then_some(answer)
}

const fn decided_status(action: &Action) -> Status {
    match action {
        Action::Answer {
            decision: Decision::Accept,
            ..
        } => Status::Accepted,
        _ => Status::Denied,
    }
}

const fn refused(error: CommandError) -> PhoneError {
    match error {
        CommandError::NotTheirs | CommandError::Refused(Refusal::AlreadyClaimed) => {
            PhoneError::NotFound
        }
        CommandError::Refused(Refusal::AlreadyFinal(ending)) => ended(ending),
        CommandError::Refused(Refusal::ResendLimitReached | Refusal::NothingToDo)
        | CommandError::Stale
        | CommandError::Unavailable => PhoneError::Unavailable,
    }
}

const fn ended(ending: Ending) -> PhoneError {
    match ending {
        Ending::Expired => PhoneError::Expired,
        Ending::Accepted => PhoneError::AlreadyFinal {
            status: Status::Accepted,
        },
        Ending::Denied | Ending::Reported => PhoneError::AlreadyFinal {
            status: Status::Denied,
        },
        Ending::Cancelled => PhoneError::AlreadyFinal {
            status: Status::Cancelled,
        },
        Ending::InvalidAnswer | Ending::FailedToSend => PhoneError::AlreadyFinal {
            status: Status::Failed,
        },
    }
}

impl Shared {
    async fn list(&self, device: &DeviceId) -> Result<Vec<PendingTransaction>, PhoneError> {
        let now = self.base.clock.now();
        let rows =
            persist::find_pending_of_device(&self.base.store, device, now, LISTED_MAX).await?;
        let admitted = try_join_all(rows.iter().map(|row| self.is_admitted(row))).await?;
        let shown = rows.iter().zip(admitted).filter(|(_, admitted)| *admitted);
        shown.map(|(row, _)| self.pending_of(row, now)).collect()
    }

    /// Whether the transaction's user may act. The token it is asked for with may be the
    /// installation's own.
    async fn is_admitted(&self, row: &TransactionRow) -> Result<bool, PhoneError> {
        let Some(user) = &row.user_id else {
            return Ok(true);
        };
        let user = UserId::new(user).map_err(|_| PhoneError::Unavailable)?;
        Ok(!self.users.is_disabled(&user).await?)
    }

    fn pending_of(
        &self,
        row: &TransactionRow,
        now: Timestamp,
    ) -> Result<PendingTransaction, PhoneError> {
        let id = persist::id_of(row).map_err(|_| PhoneError::Unavailable)?;
        let content = self.open(id, row)?;
        let profile = row.profile_id.as_deref().ok_or(PhoneError::Unavailable)?;
        Ok(PendingTransaction {
            transaction_id: id,
            profile_id: profile.parse().map_err(|_| PhoneError::Unavailable)?,
            method: method(row)?,
            message: content.message,
            created_at: Timestamp::from_millis(row.created_at),
            time_to_live_seconds: Timestamp::from_millis(row.expires_at).since(now).as_secs(),
        })
    }

    /// The row of a pending transaction of this device.
    async fn find_for_phone(
        &self,
        device: &DeviceId,
        id: TransactionId,
    ) -> Result<TransactionRow, PhoneError> {
        let row = persist::find(&self.base.store, id)
            .await?
            .ok_or(PhoneError::NotFound)?;
        if row.device_id.as_deref() != Some(device.as_str()) || !self.is_admitted(&row).await? {
            return Err(PhoneError::NotFound);
        }
        let record = Record::from_row(&row).map_err(|_| PhoneError::Unavailable)?;
        match record.state {
            State::Final(ending) => Err(ended(ending)),
            State::Pending(_) if record.limits.expires_at <= self.base.clock.now() => {
                Err(PhoneError::Expired)
            }
            State::Pending(_) => Ok(row),
        }
    }

    async fn seal_for_phone(
        &self,
        device: &DeviceId,
        row: &TransactionRow,
    ) -> Result<FetchedTransaction, PhoneError> {
        let pending = self.pending_of(row, self.base.clock.now())?;
        let enrolment = self
            .devices
            .enrolment_by_profile(device, &pending.profile_id)
            .await?;
        let enrolment = enrolment.ok_or(PhoneError::NotFound)?;
        let content = self.open(pending.transaction_id, row)?;
        let sealed = jwe::encrypt(&enrolment.public_key, &content.shown(), &*self.base.random)
            .map_err(|_| PhoneError::Unavailable)?;
        Ok(FetchedTransaction {
            pending,
            content_digest: content.digest(),
            sealed,
        })
    }

    fn open(&self, id: TransactionId, row: &TransactionRow) -> Result<Content, PhoneError> {
        Content::open(&self.base.keyring, id, &row.content).map_err(|error| {
            tracing::error!(transaction_id = %id, %error, "a transaction's content cannot be opened");
            PhoneError::Unavailable
        })
    }
}

fn method(row: &TransactionRow) -> Result<AuthenticationMethod, PhoneError> {
    persist::method_of(row.method).map_err(|_| PhoneError::Unavailable)
}
