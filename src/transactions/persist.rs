//! A transaction's row: how the state is written and read, and what is written along with a change.

use std::sync::Arc;

use super::Shared;
use super::messages::{Action, By, Command};
use super::policy::Plan;
use super::state::{Effect, Ending, Event, Limits, Pending, State, Step, Verdict};
use super::types::{Reason, Status, TransactionResult};
use crate::callbacks::Callbacks;
use crate::clock::Timestamp;
use crate::ids::{ClientId, DeviceId, ProfileId, TransactionId, UserId};
use crate::random::Random;
use crate::settings::AuthenticationMethod;
use crate::store::journal::{Entry, Guard, Insert};
use crate::store::queries;
use crate::store::rows::{EventRow, IdempotencyRow, TransactionRow, TransactionUpdate, transaction_method};
use crate::store::{Store, StoreError, WriteError};
use crate::users::events::{Concerning, EventType, event};

/// What the server holds in memory of a pending transaction: no more than what deciding takes.
pub(super) struct Record {
    pub(super) id: TransactionId,
    pub(super) client: ClientId,
    pub(super) method: AuthenticationMethod,
    pub(super) user: Option<UserId>,
    pub(super) device: Option<DeviceId>,
    pub(super) state: State,
    pub(super) limits: Limits,
    pub(super) version: i64,
    pub(super) callback_uri: Option<Arc<str>>,
}

/// A row that this program cannot have written.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a transaction's row holds what no transaction can hold")]
pub(super) struct Corrupt;

impl Record {
    /// From a row.
    pub(super) fn from_row(row: &TransactionRow) -> Result<Self, Corrupt> {
        let state = match ending_of(row.status, row.reason)? {
            Some(ending) => State::Final(ending),
            None => State::Pending(Pending {
                attempts: count(row.attempts)?,
                resends: count(row.resends)?,
                claimed: row.user_id.is_some(),
                delivery_due: row.delivery_due,
            }),
        };
        Ok(Self {
            id: id_of(row)?,
            client: ClientId::new(&row.client_id).map_err(|_| Corrupt)?,
            method: method_of(row.method)?,
            user: row.user_id.as_deref().map(UserId::new).transpose().map_err(|_| Corrupt)?,
            device: row.device_id.as_deref().map(DeviceId::new).transpose().map_err(|_| Corrupt)?,
            state,
            limits: Limits {
                attempts_max: count(row.attempts_max)?,
                resends_max: count(row.resends_max)?,
                expires_at: Timestamp::from_millis(row.expires_at),
            },
            version: row.version,
            callback_uri: row.callback_uri.as_deref().map(Arc::from),
        })
    }

    /// Of a transaction whose row has just been written.
    pub(super) fn starting(id: TransactionId, client: ClientId, plan: &Plan, asked: &Asked) -> Self {
        Self {
            id,
            client,
            method: plan.authentication_type.method,
            user: asked.user.clone(),
            device: asked.device.clone(),
            state: State::Pending(Pending { claimed: asked.user.is_some(), ..Pending::default() }),
            limits: plan.limits,
            version: 0,
            callback_uri: plan.callback_uri.as_deref().map(Arc::from),
        }
    }

    /// Whether whoever acts has anything to do with this transaction.
    pub(super) fn belongs_to(&self, by: &By) -> bool {
        match by {
            By::Server => true,
            By::Phone(device) => self.device.as_ref() == Some(device),
            By::Website { client, user } => {
                self.client == *client && user.as_ref().is_none_or(|user| self.user.as_ref() == Some(user))
            }
        }
    }

    /// Whether this claim is the one that was granted.
    pub(super) fn is_claimed_by(&self, action: &Action) -> bool {
        matches!(action, Action::Claim { user, device, .. }
            if self.user.as_ref() == Some(user) && self.device.as_ref() == Some(device))
    }

    /// After the change is saved.
    pub(super) fn apply(&mut self, decided: &Step, action: &Action) {
        self.version += 1;
        self.state = decided.next;
        if let (State::Pending(_), Action::Claim { user, device, .. }) = (decided.next, action) {
            self.user = Some(user.clone());
            self.device = Some(device.clone());
        }
    }
}

/// A decided change, about to be saved.
pub(super) struct Change<'a> {
    pub(super) record: &'a Record,
    pub(super) event: Event,
    pub(super) step: Step,
    pub(super) command: &'a Command,
}

/// The journal entry of a change: the update, its event, its callback and the idempotency key that asked for it.
pub(super) fn change(change: &Change<'_>, shared: &Shared) -> Entry {
    let now = shared.clock.now();
    let record = change.record;
    let mut inserts = Vec::with_capacity(2);
    if let Some(event_type) = event_type(record.method, change.event, &change.step) {
        inserts.push(Insert::Event(Box::new(event_row(record, event_type, change.command, now, &*shared.random))));
    }
    if let (Some(Effect::Finish), Some(uri)) = (change.step.effect, &record.callback_uri)
        && record.method != AuthenticationMethod::Sms
    {
        let row = Callbacks::row(record.id, uri.to_string(), now, &*shared.random);
        inserts.push(Insert::Callback(Box::new(row)));
    }
    if let Some(row) = &change.command.idempotency {
        inserts.push(Insert::IdempotencyKey(row.clone()));
    }
    Entry { guard: Guard::Transaction(Box::new(update(change, now))), inserts }
}

fn update(change: &Change<'_>, now: Timestamp) -> TransactionUpdate {
    let record = change.record;
    let before = match record.state {
        State::Pending(pending) => pending,
        State::Final(_) => Pending::default(),
    };
    let (after, ending) = match change.step.next {
        State::Pending(pending) => (pending, None),
        State::Final(ending) => {
            let counted = u32::from(matches!(change.step.verdict, Verdict::Wrong { .. }));
            (Pending { attempts: before.attempts + counted, delivery_due: false, ..before }, Some(ending))
        }
    };
    let (status, reason) = ending.map_or((0, None), columns_of);
    let (user, device, profile) = match &change.command.action {
        Action::Claim { user, device, profile } => (Some(user), Some(device), Some(profile)),
        _ => (None, None, None),
    };
    TransactionUpdate {
        id: *record.id.as_bytes(),
        expected_version: record.version,
        status,
        reason,
        attempts: column(after.attempts),
        resends: column(after.resends),
        delivery_due: after.delivery_due,
        finished_at: ending.map(|_| now.as_millis()),
        answer: match &change.command.action {
            Action::Answer { jws, .. } => Some(jws.clone()),
            _ => None,
        },
        user_id: user.map(ToString::to_string),
        device_id: device.map(ToString::to_string),
        profile_id: profile.map(ToString::to_string),
    }
}

fn event_row(
    record: &Record,
    event_type: EventType,
    command: &Command,
    now: Timestamp,
    random: &dyn Random,
) -> EventRow {
    let (user, device) = match &command.action {
        Action::Claim { user, device, .. } => (Some(user), Some(device)),
        _ => (record.user.as_ref(), record.device.as_ref()),
    };
    let concerning = Concerning { client: Some(&record.client), user, device, transaction: Some(record.id) };
    event(event_type, concerning, now, random)
}

/// What the audit log calls it.
fn event_type(method: AuthenticationMethod, event: Event, step: &Step) -> Option<EventType> {
    let sms = method == AuthenticationMethod::Sms;
    match step.next {
        State::Final(Ending::Accepted) if sms => Some(EventType::SmsAuthAuthenticated),
        State::Final(Ending::Accepted) => Some(EventType::MobileAuthAuthenticated),
        State::Final(Ending::Denied) => Some(EventType::MobileAuthNotAuthenticated),
        State::Final(Ending::Reported) => Some(EventType::MobileAuthReported),
        State::Final(Ending::Expired) => Some(EventType::MobileAuthExpired),
        State::Final(Ending::Cancelled) => Some(EventType::MobileAuthCancelled),
        State::Final(Ending::InvalidAnswer) if sms => Some(EventType::SmsAuthValidationLimitExceeded),
        State::Final(Ending::InvalidAnswer) => Some(EventType::PushAuthValidationLimitExceeded),
        State::Final(Ending::FailedToSend) if sms => Some(EventType::SmsAuthInitFailureFailedToSendSms),
        State::Final(Ending::FailedToSend) => Some(EventType::PushAuthPushServiceFailure),
        State::Pending(_) => match event {
            Event::WrongAnswer if sms => Some(EventType::SmsAuthNotAuthenticatedInvalidVerificationCode),
            Event::WrongAnswer => Some(EventType::MobileAuthInvalidAnswer),
            Event::ResendAsked if sms => Some(EventType::SmsResendSucceeded),
            Event::ResendAsked => Some(EventType::PushAuthResendSuccess),
            Event::Claimed => Some(EventType::OtpAuthClaimed),
            Event::Accepted
            | Event::Denied
            | Event::Reported
            | Event::Cancelled
            | Event::DeliveryDelayed
            | Event::Delivered
            | Event::DeliveryFailed
            | Event::Look => None,
        },
    }
}

/// Who is asked, once that is settled.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    pub(super) user: Option<UserId>,
    pub(super) device: Option<DeviceId>,
    pub(super) profile: Option<ProfileId>,
}

/// The row and the event of a transaction that starts.
pub(super) fn start_rows(
    id: TransactionId,
    client: &ClientId,
    plan: &Plan,
    asked: &Asked,
    now: Timestamp,
    shared: &Shared,
) -> (TransactionRow, EventRow) {
    let method = plan.authentication_type.method;
    let event_type = match method {
        AuthenticationMethod::Push => EventType::PushAuthInitialized,
        AuthenticationMethod::Otp => EventType::OtpAuthInitialized,
        AuthenticationMethod::Sms => EventType::SmsAuthInitMessageSent,
    };
    let concerning = Concerning {
        client: Some(client),
        user: asked.user.as_ref(),
        device: asked.device.as_ref(),
        transaction: Some(id),
    };
    let row = TransactionRow {
        id: id.as_bytes().to_vec(),
        version: 0,
        client_id: client.to_string(),
        type_name: plan.authentication_type.name.clone(),
        method: method_column(method),
        status: 0,
        reason: None,
        user_id: asked.user.as_ref().map(ToString::to_string),
        device_id: asked.device.as_ref().map(ToString::to_string),
        profile_id: asked.profile.as_ref().map(ToString::to_string),
        attempts: 0,
        attempts_max: column(plan.limits.attempts_max),
        resends: 0,
        resends_max: column(plan.limits.resends_max),
        delivery_due: false,
        created_at: now.as_millis(),
        expires_at: plan.limits.expires_at.as_millis(),
        finished_at: None,
        callback_uri: plan.callback_uri.clone(),
        content: plan.content.seal(&shared.keyring, id, &*shared.random),
        answer: None,
    };
    (row, event(event_type, concerning, now, &*shared.random))
}

/// The result as the website sees it.
pub(super) fn result_of(row: &TransactionRow) -> Result<TransactionResult, Corrupt> {
    let (status, reason) = match ending_of(row.status, row.reason)? {
        None => (Status::Pending, None),
        Some(Ending::Accepted) => (Status::Accepted, None),
        Some(Ending::Denied) => (Status::Denied, Some(Reason::NotAccepted)),
        Some(Ending::Reported) => (Status::Denied, Some(Reason::Reported)),
        Some(Ending::Expired) => (Status::Expired, Some(Reason::Expired)),
        Some(Ending::Cancelled) => (Status::Cancelled, Some(Reason::Cancelled)),
        Some(Ending::InvalidAnswer) => (Status::Failed, Some(Reason::InvalidAnswer)),
        Some(Ending::FailedToSend) => (Status::Failed, Some(Reason::FailedToSend)),
    };
    Ok(TransactionResult {
        transaction_id: id_of(row)?,
        callback_uri: row.callback_uri.clone(),
        created_at: Timestamp::from_millis(row.created_at),
        expires_at: Timestamp::from_millis(row.expires_at),
        user_id: row.user_id.as_deref().map(UserId::new).transpose().map_err(|_| Corrupt)?,
        method: method_of(row.method)?,
        status,
        reason,
    })
}

/// The id in a row.
pub(super) fn id_of(row: &TransactionRow) -> Result<TransactionId, Corrupt> {
    row.id.as_slice().try_into().map(TransactionId::from_bytes).map_err(|_| Corrupt)
}

/// The method's name on the wire, for metrics too.
pub(super) const fn method_name(method: AuthenticationMethod) -> &'static str {
    match method {
        AuthenticationMethod::Push => "push",
        AuthenticationMethod::Otp => "otp",
        AuthenticationMethod::Sms => "sms",
    }
}

/// Reads a transaction.
pub(super) async fn find(store: &Store, id: TransactionId) -> Result<Option<TransactionRow>, StoreError> {
    store.read(move |connection| queries::transactions::find_transaction(connection, id.as_bytes())).await
}

/// Reads what is pending on a device.
pub(super) async fn find_pending_of_device(
    store: &Store,
    device: &DeviceId,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<TransactionRow>, StoreError> {
    let device = device.clone();
    store
        .read(move |connection| queries::transactions::find_pending_by_device(connection, device.as_str(), now, limit))
        .await
}

/// Ids of pending transactions whose deadline was before `before`.
pub(super) async fn find_expired(
    store: &Store,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<TransactionId>, StoreError> {
    let ids =
        store.read(move |connection| queries::transactions::find_expired_pending(connection, before, limit)).await?;
    Ok(ids.iter().filter_map(|id| id.as_slice().try_into().ok()).map(TransactionId::from_bytes).collect())
}

/// Ids of pending transactions whose delivery was under way when they were saved, after `after`.
pub(super) async fn find_delivery_due(
    store: &Store,
    after: Option<TransactionId>,
    limit: i64,
) -> Result<Vec<TransactionId>, StoreError> {
    let ids = store
        .read(move |connection| {
            let after = after.as_ref().map(|id| id.as_bytes().as_slice());
            queries::transactions::find_delivery_due(connection, after, limit)
        })
        .await?;
    Ok(ids.iter().filter_map(|id| id.as_slice().try_into().ok()).map(TransactionId::from_bytes).collect())
}

/// Reads a website's idempotency key.
pub(super) async fn find_idempotency_key(
    store: &Store,
    client: &ClientId,
    key_hash: [u8; 32],
) -> Result<Option<IdempotencyRow>, StoreError> {
    let client = client.clone();
    store
        .read(move |connection| queries::idempotency::find_idempotency_key(connection, client.as_str(), &key_hash))
        .await
}

/// Keeps the answer to the request with this key, unless there is one.
pub(super) async fn save_answer(store: &Store, row: IdempotencyRow, answer: Vec<u8>) -> Result<bool, StoreError> {
    store
        .write(move |connection| {
            let IdempotencyRow { client_id, key_hash, created_at, .. } = &row;
            queries::idempotency::save_idempotent_answer(connection, client_id, key_hash, *created_at, &answer)
                .map_err(WriteError::from)
        })
        .await
}

const fn method_column(method: AuthenticationMethod) -> i16 {
    match method {
        AuthenticationMethod::Push => transaction_method::PUSH,
        AuthenticationMethod::Otp => transaction_method::OTP,
        AuthenticationMethod::Sms => transaction_method::SMS,
    }
}

/// The method in a row.
pub(super) const fn method_of(column: i16) -> Result<AuthenticationMethod, Corrupt> {
    match column {
        transaction_method::PUSH => Ok(AuthenticationMethod::Push),
        transaction_method::OTP => Ok(AuthenticationMethod::Otp),
        transaction_method::SMS => Ok(AuthenticationMethod::Sms),
        _ => Err(Corrupt),
    }
}

/// `status` and `reason` of an ending. Pending is `0` and no reason.
const fn columns_of(ending: Ending) -> (i16, Option<i16>) {
    match ending {
        Ending::Accepted => (1, None),
        Ending::Denied => (2, Some(1)),
        Ending::Reported => (2, Some(2)),
        Ending::Expired => (3, None),
        Ending::Cancelled => (4, None),
        Ending::InvalidAnswer => (5, Some(1)),
        Ending::FailedToSend => (5, Some(2)),
    }
}

const fn ending_of(status: i16, reason: Option<i16>) -> Result<Option<Ending>, Corrupt> {
    match (status, reason) {
        (0, None) => Ok(None),
        (1, None) => Ok(Some(Ending::Accepted)),
        (2, Some(1)) => Ok(Some(Ending::Denied)),
        (2, Some(2)) => Ok(Some(Ending::Reported)),
        (3, None) => Ok(Some(Ending::Expired)),
        (4, None) => Ok(Some(Ending::Cancelled)),
        (5, Some(1)) => Ok(Some(Ending::InvalidAnswer)),
        (5, Some(2)) => Ok(Some(Ending::FailedToSend)),
        _ => Err(Corrupt),
    }
}

fn column(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn count(column: i32) -> Result<u32, Corrupt> {
    u32::try_from(column).map_err(|_| Corrupt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ending_is_read_as_it_was_written() {
        let endings = [
            Ending::Accepted,
            Ending::Denied,
            Ending::Reported,
            Ending::Expired,
            Ending::Cancelled,
            Ending::InvalidAnswer,
            Ending::FailedToSend,
        ];
        for ending in endings {
            let (status, reason) = columns_of(ending);
            assert_eq!(ending_of(status, reason).unwrap(), Some(ending));
        }
        assert!(ending_of(0, Some(1)).is_err() && ending_of(9, None).is_err());
    }
}
