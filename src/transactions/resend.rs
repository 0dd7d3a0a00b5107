//! Sends the message of a pending transaction again.
//!
//! There are two ways to ask for it, one for pushes and one for text messages. They differ in whom
//! they name, and in what they say where there is nothing to send.

use super::delivery::Submission;
use super::error::WebsiteError;
use super::facade::Transactions;
use super::idempotency::{Key, StoredAnswer};
use super::messages::{Action, Caller};
use super::methods::MessageKind;
use super::owed::Owed;
use super::persist;
use super::services::Services;
use crate::clock::Timestamp;
use crate::ids::{ClientId, TransactionId, UserId};
use crate::secret::SecretString;

/// Sends a push again. That is a prompt like the first one.
pub(super) async fn resend_push(
    transactions: &Transactions,
    client: ClientId,
    id: TransactionId,
    key: Option<Key>,
) -> Result<(), WebsiteError> {
    let caller = Caller::Website { client, user: None };
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
    let services = &*transactions.services;
    let row = |key: &Key| Box::new(key.row(services, id, &StoredAnswer::Resent));

    let number = match kind {
        MessageKind::Sms => number_of(services, id).await?,
        MessageKind::Push => None,
    };

    let action = Action::Resend {
        number,
        kind,
        key: key.as_ref().map(row),
    };
    transactions.command(id, caller, action).await?;

    // It is owed from here on. Whatever keeps this server from sending it, another one will.
    let Ok(owed) = granted(services, id).await else {
        return Ok(());
    };

    let owed = Owed {
        is_looked_for: key.is_some(),
        ..owed
    };

    match transactions.deliver(owed).await {
        Ok(Submission::Refused) => {
            if let Some(key) = &key {
                let refused = StoredAnswer::not_sent(kind);
                key.replace_answer(services, &refused).await;
            }

            Err(kind.not_sent())
        }
        Ok(Submission::Taken | Submission::Delayed) | Err(_) => Ok(()),
    }
}

/// The number that a transaction's text message goes to. `None` where there is no such transaction, or
/// it has none.
async fn number_of(
    services: &Services,
    id: TransactionId,
) -> Result<Option<SecretString>, WebsiteError> {
    let Some(row) = persist::find(&services.base.store, id).await? else {
        return Ok(None);
    };
    let content = persist::open_content(&row, &services.base.keyring)?;

    Ok(content.sms.map(|sms| SecretString::new(sms.phone_number)))
}

/// The message of the resend that was granted just now, under the lease that came with it.
async fn granted(services: &Services, id: TransactionId) -> Result<Owed, WebsiteError> {
    let row = persist::find(&services.base.store, id)
        .await?
        .ok_or(WebsiteError::NoSuchTransaction)?;

    let lease = persist::Lease {
        fence: row.delivery_fence,
        until: Timestamp::from_millis(row.delivery_lease_until),
        is_in_doubt: false,
    };

    Ok(persist::owed_of(&row, &lease, &services.base.keyring)?)
}
