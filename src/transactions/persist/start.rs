//! What is written when a transaction starts.

use super::columns::column;
use crate::clock::Timestamp;
use crate::ids::{ClientId, TransactionId};
use crate::store::rows::{EventRow, TransactionRow};
use crate::transactions::methods::Recipient;
use crate::transactions::owed::{LEASE, Progress};
use crate::transactions::policy::Plan;
use crate::transactions::services::Services;
use crate::users::events::{Concerning, event};

/// The fence of a transaction's first message.
pub(in crate::transactions) const FIRST_FENCE: i64 = 1;

/// The transaction's row and the event. If the method sends a message, it is owed from then on, by
/// the server that starts the transaction.
pub(in crate::transactions) fn start_rows(
    id: TransactionId,
    client: &ClientId,
    plan: &Plan,
    recipient: &Recipient,
    now: Timestamp,
    services: &Services,
) -> (TransactionRow, EventRow) {
    let random = &*services.base.random;
    let sends = plan.method.sends.is_some();

    let row = TransactionRow {
        id: id.as_bytes().to_vec(),
        version: 0,
        client_id: client.to_string(),
        type_name: plan.authentication_type.name.clone(),
        method: plan.method.column,
        status: 0,
        reason: None,
        user_id: recipient.user.as_ref().map(ToString::to_string),
        device_id: recipient.device.as_ref().map(ToString::to_string),
        profile_id: recipient.profile.as_ref().map(ToString::to_string),
        attempts: 0,
        attempts_max: column(plan.limits.attempts_max),
        resends: 0,
        resends_max: column(plan.limits.resends_max),
        delivery_due: sends,
        created_at: now.as_millis(),
        expires_at: plan.limits.expires_at.as_millis(),
        finished_at: None,
        callback_uri: plan.callback_uri.clone(),
        content: plan.content.seal(&services.base.keyring, id, random),
        answer: None,
        // The first attempt begins with this commit, and needs none of its own.
        delivery_progress: Progress::attempting(false).column(),
        delivery_fence: FIRST_FENCE,
        delivery_lease_until: now.after(LEASE).as_millis(),
        delivered: false,
    };

    let concerning = Concerning {
        client: Some(client),
        user: recipient.user.as_ref(),
        device: recipient.device.as_ref(),
        transaction: Some(id),
    };

    let started = event(plan.method.events.started, concerning, now, random);
    (row, started)
}
