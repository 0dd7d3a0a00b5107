//! What is written: a transaction that starts, and each change of it with all that belongs to the
//! change.

use super::Record;
use super::columns::{column, columns_of, method_column};
use crate::callbacks::Callbacks;
use crate::clock::Timestamp;
use crate::ids::{ClientId, DeviceId, ProfileId, TransactionId, UserId};
use crate::random::Random;
use crate::settings::AuthenticationMethod;
use crate::store::journal::{Entry, Guard, Insert, TransactionUpdate};
use crate::store::rows::{EventRow, TransactionRow};
use crate::transactions::Shared;
use crate::transactions::messages::{Action, Command};
use crate::transactions::policy::Plan;
use crate::transactions::state::{Effect, Ending, Event, Pending, State, Step, Verdict};
use crate::users::events::{Concerning, EventType, event};

/// A decided change, about to be saved.
pub(in crate::transactions) struct Change<'a> {
    pub(in crate::transactions) record: &'a Record,
    pub(in crate::transactions) event: Event,
    pub(in crate::transactions) step: Step,
    pub(in crate::transactions) command: &'a Command,
}

/// The journal entry of a change: the update, its event, its callback and the idempotency key that
/// asked for it.
pub(in crate::transactions) fn change(change: &Change<'_>, shared: &Shared) -> Entry {
    let now = shared.base.clock.now();
    let record = change.record;
    let mut inserts = Vec::with_capacity(2);
    if let Some(event_type) = event_type(record.method, change.event, &change.step) {
        inserts.push(Insert::Event(Box::new(event_row(
            record,
            event_type,
            change.command,
            now,
            &*shared.base.random,
        ))));
    }
    if let (Some(Effect::Finish), Some(uri)) = (change.step.effect, &record.callback_uri)
        && record.method != AuthenticationMethod::Sms
    {
        let row = Callbacks::row(record.id, uri.to_string(), now, &*shared.base.random);
        inserts.push(Insert::Callback(Box::new(row)));
    }
    if let Some(row) = &change.command.idempotency {
        inserts.push(Insert::IdempotencyKey(row.clone()));
    }
    // Who is disabled has no right code; what the server or the website decides happens all the
    // same.
    let user = match &change.command.action {
        Action::VerifyCode(_) => record.user.as_ref().map(ToString::to_string),
        _ => None,
    };
    Entry {
        user,
        guard: Some(Guard::from(update(change, now))),
        inserts,
        ..Entry::default()
    }
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
            (
                Pending {
                    attempts: before.attempts + counted,
                    delivery_due: false,
                    ..before
                },
                Some(ending),
            )
        }
    };
    let (status, reason) = ending.map_or((0, None), columns_of);
    let (user, device, profile) = match &change.command.action {
        Action::Claim {
            user,
            device,
            profile,
        } => (Some(user), Some(device), Some(profile)),
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
    let concerning = Concerning {
        client: Some(&record.client),
        user,
        device,
        transaction: Some(record.id),
    };
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
        State::Final(Ending::InvalidAnswer) if sms => {
            Some(EventType::SmsAuthValidationLimitExceeded)
        }
        State::Final(Ending::InvalidAnswer) => Some(EventType::PushAuthValidationLimitExceeded),
        State::Final(Ending::FailedToSend) if sms => {
            Some(EventType::SmsAuthInitFailureFailedToSendSms)
        }
        State::Final(Ending::FailedToSend) => Some(EventType::PushAuthPushServiceFailure),
        State::Pending(_) => match event {
            Event::WrongAnswer if sms => {
                Some(EventType::SmsAuthNotAuthenticatedInvalidVerificationCode)
            }
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
pub(in crate::transactions) struct Asked {
    pub(in crate::transactions) user: Option<UserId>,
    pub(in crate::transactions) device: Option<DeviceId>,
    pub(in crate::transactions) profile: Option<ProfileId>,
}

/// The row and the event of a transaction that starts.
pub(in crate::transactions) fn start_rows(
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
        content: plan
            .content
            .seal(&shared.base.keyring, id, &*shared.base.random),
        answer: None,
    };
    (
        row,
        event(event_type, concerning, now, &*shared.base.random),
    )
}
