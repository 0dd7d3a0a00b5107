//! Starts a transaction: plan, recipient, commit, message.

use super::delivery::{Delivery, Submission};
use super::error::WebsiteError;
use super::facade::Transactions;
use super::idempotency::Key;
use super::methods::{self, Addressee, Outgoing, Recipient};
use super::persist::{self, Record};
use super::policy::{self, Plan};
use super::services::Services;
use super::types::{StartRequest, Started, StartedDevice};
use crate::devices::channel::ReserveError;
use crate::ids::{ClientId, DeviceId, TransactionId, UserId};
use crate::store::journal::{Entry, Guard, Insert, Outcome};
use crate::store::rows::{EventRow, IdempotencyRow, TransactionRow};

/// The transaction is durable before its message is sent.
pub(super) async fn start(
    transactions: &Transactions,
    client: &ClientId,
    request: StartRequest,
    key: Option<Key>,
) -> Result<Started, WebsiteError> {
    let services = &*transactions.services;
    let now = services.base.clock.now();
    let plan = policy::plan(&services.base.settings.load(), request, now)?;
    let (recipient, device) = find_recipient(services, &plan).await?;

    let id = TransactionId::new(now, &*services.base.random);
    let (row, event) = persist::start_rows(id, client, &plan, &recipient, now, services);
    let record = Record::from_row(&row)?;
    save(services, &recipient, key.map(|key| key.row(id)), row, event).await?;

    transactions.host(record).ok_or(WebsiteError::Unavailable)?;
    services.base.metrics.transaction_started(plan.method.name);
    deliver(transactions, id, &plan, &recipient).await?;

    Ok(Started {
        transaction_id: id,
        method: plan.method.id,
        time_to_live_millis: u64::from(plan.authentication_type.time_to_live_seconds) * 1000,
        expires_at: plan.limits.expires_at,
        otp: plan
            .method
            .password
            .map(|derive| derive(&services.base.keyring, id)),
        device,
    })
}

/// Finds out whom to ask. If that is a prompt, takes it from the user's budget.
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

    refuse_disabled(services, user).await?;
    let targets = services.devices.push_targets(user).await?;
    let target = methods::choose_device(targets, plan.device.as_ref())?;
    if plan.method.prompts {
        take_prompt(services, &target.device_id, user).await?;
    }

    let recipient = Recipient {
        user: Some(user.clone()),
        device: Some(target.device_id),
        profile: Some(target.profile_id),
    };

    let device = StartedDevice {
        name: target.device_name,
        platform: target.platform,
    };
    Ok((recipient, Some(device)))
}

/// A disabled user is not asked.
pub(super) async fn refuse_disabled(
    services: &Services,
    user: &UserId,
) -> Result<(), WebsiteError> {
    if services.users.is_disabled(user).await? {
        Err(WebsiteError::NoWayToAsk)
    } else {
        Ok(())
    }
}

/// Takes one prompt from the budget that the user has on the device.
pub(super) async fn take_prompt(
    services: &Services,
    device: &DeviceId,
    user: &UserId,
) -> Result<(), WebsiteError> {
    match services.channels.reserve(device, user).await {
        Ok(()) => Ok(()),
        Err(ReserveError::TooManyPrompts { retry_after }) => {
            services.base.metrics.refused("prompts");
            Err(WebsiteError::TooManyPrompts {
                retry_after_seconds: retry_after.as_secs().max(1),
            })
        }
        Err(ReserveError::Unavailable) => Err(WebsiteError::Unavailable),
    }
}

async fn save(
    services: &Services,
    recipient: &Recipient,
    key: Option<IdempotencyRow>,
    row: TransactionRow,
    event: EventRow,
) -> Result<(), WebsiteError> {
    let entry = Entry {
        user: recipient.user.as_ref().map(ToString::to_string),
        guard: key.map(Guard::from),
        inserts: vec![
            Insert::Transaction(Box::new(row)),
            Insert::Event(Box::new(event)),
        ],
        ..Entry::default()
    };

    match services.base.store.commit(entry).await? {
        Outcome::Committed => Ok(()),
        Outcome::Refused | Outcome::Replayed => Err(WebsiteError::IdempotencyKeyInUse),
        Outcome::UserDisabled => Err(WebsiteError::NoWayToAsk),
    }
}

/// Sends the message, if the method has one, and waits until it is clear how that stands.
async fn deliver(
    transactions: &Transactions,
    id: TransactionId,
    plan: &Plan,
    recipient: &Recipient,
) -> Result<(), WebsiteError> {
    let Some(sends) = plan.method.sends else {
        return Ok(());
    };

    let not_sent = sends.kind.not_sent();
    let expires_at = plan.limits.expires_at;
    let message = (sends.message)(&Outgoing {
        id,
        recipient,
        content: &plan.content,
        expires_at,
        keyring: &transactions.services.base.keyring,
    });

    let Some(message) = message else {
        return Err(not_sent);
    };

    let submission = transactions.deliver(Delivery {
        id,
        message: Some((message, expires_at)),
        decisive: true,
    });

    match submission.await {
        Ok(Submission::Taken | Submission::Delayed) => Ok(()),
        Ok(Submission::Refused) | Err(_) => Err(not_sent),
    }
}
