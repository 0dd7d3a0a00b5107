//! Starts a transaction: plan, recipient, commit, message.

use super::delivery::Submission;
use super::error::WebsiteError;
use super::facade::Transactions;
use super::idempotency::{Key, Replayable as _};
use super::methods::{self, Addressee, Message, MessageKind, Outgoing, Recipient};
use super::owed::Owed;
use super::persist::{self, Record};
use super::policy::{self, Plan};
use super::services::Services;
use super::types::{StartRequest, Started, StartedDevice};
use crate::clock::Timestamp;
use crate::ids::{ClientId, TransactionId};
use crate::store::journal::{Budget, Entry, Guard, Insert, Outcome};

/// The transaction is durable before its message is sent, and that it is sent is part of it.
pub(super) async fn start(
    transactions: &Transactions,
    client: &ClientId,
    request: StartRequest,
    key: Option<Key>,
) -> Result<Started, WebsiteError> {
    let services = &*transactions.services;
    let now = services.base.clock.now();
    let plan = policy::plan(&services.base.settings.load(), client, request, now)?;
    let (recipient, device) = find_recipient(services, &plan).await?;

    let id = TransactionId::new(now, &*services.base.random);
    let message = message(services, id, &plan, &recipient)?;
    let started = started(services, id, &plan, device);
    let has_key = key.is_some();
    let key = key.map(|key| key.row(services, id, &started.to_stored()));

    let (row, event) = persist::start_rows(id, client, &plan, &recipient, now, services);
    let prompt = persist::prompt_of_start(&row, plan.method, now, &services.base);
    let (user, number) = (plan.user.as_ref(), plan.content.number());
    let quotas = persist::quotas(user, client, number, now, &services.base);
    let failures = persist::failures_of_start(plan.method, user, &services.base);
    // As after a restart: there is one way from a row to a record.
    let record = Record::from_row(&row)?;
    let lease_until = Timestamp::from_millis(row.delivery_lease_until);

    // Before the commit: what is refused must leave nothing behind.
    let permit = transactions.admit().ok_or(WebsiteError::Unavailable)?;
    let entry = Entry {
        user: row.user_id.clone(),
        prompt: prompt.map(Box::new),
        quotas,
        failures,
        guard: key.map(Guard::from),
        inserts: vec![
            Insert::Transaction(Box::new(row)),
            Insert::Event(Box::new(event)),
        ],
        ..Entry::default()
    };
    save(services, entry).await?;

    transactions.host_admitted(record, permit);
    services.base.metrics.transaction_started(plan.method.name);

    let Some((message, kind)) = message else {
        return Ok(started);
    };

    let submission = transactions.deliver(Owed {
        id,
        user: recipient.user,
        fence: persist::FIRST_FENCE,
        lease_until,
        is_in_doubt: false,
        is_first: true,
        is_looked_for: has_key,
        message,
        expires_at: plan.limits.expires_at,
    });

    match submission.await {
        Ok(Submission::Refused) => Err(kind.not_sent()),
        // Where nobody says, the message is still owed.
        Ok(Submission::Taken | Submission::Delayed) | Err(_) => Ok(started),
    }
}

/// The message of the method, if it has one.
fn message(
    services: &Services,
    id: TransactionId,
    plan: &Plan,
    recipient: &Recipient,
) -> Result<Option<(Message, MessageKind)>, WebsiteError> {
    let Some(sends) = plan.method.sends else {
        return Ok(None);
    };

    let message = (sends.message)(&Outgoing {
        id,
        recipient,
        content: &plan.content,
        expires_at: plan.limits.expires_at,
        keyring: &services.base.keyring,
    });

    match message {
        Some(message) => Ok(Some((message, sends.kind))),
        None => Err(sends.kind.not_sent()),
    }
}

/// What the website is told.
fn started(
    services: &Services,
    id: TransactionId,
    plan: &Plan,
    device: Option<StartedDevice>,
) -> Started {
    let password = plan.method.password;

    Started {
        transaction_id: id,
        method: plan.method.id,
        time_to_live_millis: u64::from(plan.authentication_type.time_to_live_seconds) * 1000,
        expires_at: plan.limits.expires_at,
        otp: password.map(|derive| derive(&services.base.keyring, id)),
        device,
    }
}

/// Finds out whom to ask.
async fn find_recipient(
    services: &Services,
    plan: &Plan,
) -> Result<(Recipient, Option<StartedDevice>), WebsiteError> {
    let (Addressee::Device, Some(user)) = (plan.method.addressee, &plan.user) else {
        let recipient = Recipient {
            user: plan.user.clone(),
            ..Recipient::default()
        };
        return Ok((recipient, None));
    };

    let targets = services.devices.push_targets(user).await?;
    let target = methods::choose_device(targets, plan.device.as_ref())?;
    let recipient = Recipient {
        user: Some(user.clone()),
        device: Some(target.device_id),
        destination: target.destination,
        profile: Some(target.profile_id),
    };

    let device = StartedDevice {
        name: target.device_name,
        platform: target.platform,
    };
    Ok((recipient, Some(device)))
}

async fn save(services: &Services, entry: Entry) -> Result<(), WebsiteError> {
    match services.base.store.commit(entry).await? {
        Outcome::Committed => Ok(()),
        Outcome::Refused | Outcome::Replayed => Err(WebsiteError::IdempotencyKeyInUse),
        Outcome::UserDisabled | Outcome::TooManyFailures => Err(WebsiteError::NoWayToAsk),
        Outcome::TooMany { of, retry_after } => match of {
            Budget::Prompts => {
                services.base.metrics.refused("prompts");
                Err(WebsiteError::too_many_prompts(retry_after))
            }
            Budget::Messages => {
                services.base.metrics.refused("messages");
                Err(WebsiteError::too_many_messages(retry_after))
            }
        },
    }
}
