//! Sends the message of a pending transaction again.
//!
//! There are two ways to ask for it, one for pushes and one for text messages. They differ in whom
//! they name, and in what they say where there is nothing to send.

use super::delivery::{Delivery, Submission};
use super::error::WebsiteError;
use super::facade::Transactions;
use super::idempotency::Key;
use super::messages::{Action, Caller};
use super::methods::MessageKind;
use super::persist::{self, Record};
use super::services::Services;
use super::start::{refuse_disabled, take_prompt};
use super::state::State;
use crate::ids::{ClientId, TransactionId, UserId};

/// Sends a push again. That is a prompt like the first one.
pub(super) async fn resend_push(
    transactions: &Transactions,
    client: ClientId,
    id: TransactionId,
    key: Option<Key>,
) -> Result<(), WebsiteError> {
    let caller = Caller::Website { client, user: None };
    reserve_prompt(&transactions.services, id, &caller).await?;
    resend(transactions, id, caller, MessageKind::Push, key).await
}

/// Sends a text message again.
pub(super) async fn resend_sms(
    transactions: &Transactions,
    client: ClientId,
    user: UserId,
    id: TransactionId,
    key: Option<Key>,
) -> Result<(), WebsiteError> {
    if transactions.services.users.is_disabled(&user).await? {
        return Err(WebsiteError::NoSuchPendingTransaction);
    }

    let caller = Caller::Website {
        client,
        user: Some(user),
    };
    resend(transactions, id, caller, MessageKind::Sms, key)
        .await
        .map_err(WebsiteError::about_sms)
}

async fn resend(
    transactions: &Transactions,
    id: TransactionId,
    caller: Caller,
    kind: MessageKind,
    key: Option<Key>,
) -> Result<(), WebsiteError> {
    let action = Action::Resend {
        kind,
        key: key.map(|key| Box::new(key.row(id))),
    };
    transactions.command(id, caller, action).await?;

    match transactions.deliver(Delivery::again(id)).await {
        Ok(Submission::Refused) => Err(kind.not_sent()),
        Ok(Submission::Taken | Submission::Delayed) | Err(_) => Ok(()),
    }
}

/// Takes a prompt from the user's budget if the push may be sent again. Else the state machine
/// refuses the resend, and tells why.
async fn reserve_prompt(
    services: &Services,
    id: TransactionId,
    caller: &Caller,
) -> Result<(), WebsiteError> {
    let row = persist::find(&services.base.store, id)
        .await?
        .ok_or(WebsiteError::NoSuchTransaction)?;
    let record = Record::from_row(&row)?;
    if !record.obeys(caller) || !record.method.sends(MessageKind::Push) {
        return Err(WebsiteError::NoSuchTransaction);
    }

    let State::Pending(pending) = record.state else {
        return Ok(());
    };

    let (Some(device), Some(user)) = (&record.device, &record.user) else {
        return Ok(());
    };

    if pending.resends >= record.limits.resends_max {
        return Ok(());
    }

    refuse_disabled(services, user).await?;

    take_prompt(services, device, user).await
}
