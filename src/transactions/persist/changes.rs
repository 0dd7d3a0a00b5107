//! What is written with each change of a transaction.

use super::columns::{column, columns_of};
use super::failures::failures_of_step;
use super::prompt::prompt_of_resend;
use super::quota::quotas;
use super::record::Record;
use crate::base::Base;
use crate::callbacks::Callbacks;
use crate::clock::Timestamp;
use crate::random::Random;
use crate::secret::SecretString;
use crate::store::journal::{DeliveryTakeover, Entry, Insert, TransactionUpdate};
use crate::store::rows::EventRow;
use crate::transactions::messages::Action;
use crate::transactions::owed::{LEASE, Progress};
use crate::transactions::state::{Effect, Event, Pending, State, Step, Verdict};
use crate::users::events::{Concerning, EventType, event};

/// A decided change, about to be saved.
pub(in crate::transactions) struct Change<'a> {
    pub record: &'a Record,
    pub event: Event,
    pub step: Step,
    pub action: &'a Action,
}

/// The journal entry of a change: the update with its event, its callback and the idempotency key of
/// the request.
pub(in crate::transactions) fn change(change: &Change<'_>, now: Timestamp, base: &Base) -> Entry {
    let Change { record, action, .. } = change;
    let random = &*base.random;
    let mut inserts = Vec::with_capacity(2);

    if let Some(event_type) = record.method.event_type(change.event, change.step.next) {
        let event = event_row(record, event_type, action, now, random);
        inserts.push(Insert::Event(Box::new(event)));
    }

    if let (Some(Effect::Finish), Some(uri)) = (change.step.effect, &record.callback_uri)
        // In this commit: no end without its callback, and no callback without its end.
        && record.method.calls_back
    {
        let row = Callbacks::row(record.id, uri.to_string(), now, random);
        inserts.push(Insert::Callback(Box::new(row)));
    }

    if let Action::Resend { key: Some(key), .. } = action {
        inserts.push(Insert::IdempotencyKey(key.clone()));
    }

    // The journal refuses the entry where this user is disabled: then no code and no answer is
    // right, and no message is sent. What the server decides happens all the same, and so does what
    // only ends the transaction.
    let user = match action {
        Action::VerifyCode(_)
        | Action::Answer { .. }
        | Action::WrongAnswer
        | Action::Resend { .. } => record.user.as_ref(),
        Action::Claim { user, .. } => Some(user),
        Action::Cancel | Action::Look | Action::DeliveryFailed { .. } => None,
    };
    let user = user.map(ToString::to_string);

    // A message that is sent again is a prompt like the first one.
    let (prompt, quotas) = match action {
        Action::Resend { number, .. } => {
            let number = number.as_ref().map(SecretString::expose);
            let quotas = quotas(record.user.as_ref(), &record.client, number, now, base);
            (prompt_of_resend(record, now, base), quotas)
        }
        _ => (None, Vec::new()),
    };

    let failures = failures_of_step(record, &change.step);

    Entry {
        user,
        prompt: prompt.map(Box::new),
        quotas,
        failures,
        guard: Some(update(change, now).into()),
        inserts,
        ..Entry::default()
    }
}

fn update(change: &Change<'_>, now: Timestamp) -> TransactionUpdate {
    let Change { record, action, .. } = change;
    let (counters, ending) = match change.step.next {
        State::Pending(pending) => (pending, None),
        State::Final(ending) => (final_counters(record, &change.step), Some(ending)),
    };
    let (status, reason) = ending.map_or((0, None), columns_of);

    let (user, device, profile) = match action {
        Action::Claim {
            user,
            device,
            profile,
        } => (Some(user), Some(device), Some(profile)),
        _ => (None, None, None),
    };

    // A message that is sent again is owed like the first one.
    let is_resend = change.step.effect == Some(Effect::SendAgain);

    TransactionUpdate {
        id: *record.id.as_bytes(),
        expected_version: record.version,
        status,
        reason,
        attempts: column(counters.attempts),
        resends: column(counters.resends),
        finished_at: ending.map(|_| now.as_millis()),
        answer: match action {
            Action::Answer { jws, .. } => Some(jws.clone()),
            _ => None,
        },
        user_id: user.map(ToString::to_string),
        device_id: device.map(ToString::to_string),
        profile_id: profile.map(ToString::to_string),
        delivery_due: is_resend.then_some(true),
        delivery_progress: is_resend.then_some(Progress::attempting(false).column()),
        delivery_fence: is_resend.then_some(record.delivery_fence + 1),
        delivery_lease_until: is_resend.then_some(now.after(LEASE).as_millis()),
    }
}

/// The entry by which a server takes a delivery over.
pub(in crate::transactions) fn takeover(
    record: &Record,
    progress: Progress,
    until: Timestamp,
) -> Entry {
    let takeover = DeliveryTakeover {
        id: *record.id.as_bytes(),
        fence: record.delivery_fence,
        delivery_progress: progress.column(),
        delivery_lease_until: until.as_millis(),
    };

    Entry {
        user: record.user.as_ref().map(ToString::to_string),
        guard: Some(takeover.into()),
        ..Entry::default()
    }
}

/// What a transaction that ends had counted. A wrong answer that ends it counts, too.
fn final_counters(record: &Record, step: &Step) -> Pending {
    let before = match record.state {
        State::Pending(pending) => pending,
        State::Final(_) => Pending::default(),
    };

    let wrong = u32::from(matches!(step.verdict, Verdict::Wrong { .. }));

    Pending {
        attempts: before.attempts + wrong,
        ..before
    }
}

fn event_row(
    record: &Record,
    event_type: EventType,
    action: &Action,
    now: Timestamp,
    random: &dyn Random,
) -> EventRow {
    let (user, device) = match action {
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
