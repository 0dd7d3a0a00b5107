//! A transaction's row: how the state is written and read, and what is written along with a change.

mod changes;
mod columns;
mod queries;

use std::sync::Arc;

pub(super) use changes::{Asked, Change, change, start_rows};
pub(super) use columns::method_of;
pub(super) use queries::{
    find, find_delivery_due, find_expired, find_idempotency_key, find_pending_of_device,
    save_answer,
};

use columns::{count, ending_of};

use super::messages::{Action, By};
use super::policy::Plan;
use super::state::{Ending, Limits, Pending, State, Step};
use super::types::{Reason, Status, TransactionResult};
use crate::clock::Timestamp;
use crate::ids::{ClientId, DeviceId, TransactionId, UserId};
use crate::settings::AuthenticationMethod;
use crate::store::rows::TransactionRow;

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
            user: row
                .user_id
                .as_deref()
                .map(UserId::new)
                .transpose()
                .map_err(|_| Corrupt)?,
            device: row
                .device_id
                .as_deref()
                .map(DeviceId::new)
                .transpose()
                .map_err(|_| Corrupt)?,
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
    pub(super) fn starting(
        id: TransactionId,
        client: ClientId,
        plan: &Plan,
        asked: &Asked,
    ) -> Self {
        Self {
            id,
            client,
            method: plan.authentication_type.method,
            user: asked.user.clone(),
            device: asked.device.clone(),
            state: State::Pending(Pending {
                claimed: asked.user.is_some(),
                ..Pending::default()
            }),
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
                self.client == *client
                    && user
                        .as_ref()
                        .is_none_or(|user| self.user.as_ref() == Some(user))
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
        user_id: row
            .user_id
            .as_deref()
            .map(UserId::new)
            .transpose()
            .map_err(|_| Corrupt)?,
        method: method_of(row.method)?,
        status,
        reason,
    })
}

/// The id in a row.
pub(super) fn id_of(row: &TransactionRow) -> Result<TransactionId, Corrupt> {
    row.id
        .as_slice()
        .try_into()
        .map(TransactionId::from_bytes)
        .map_err(|_| Corrupt)
}

/// The method's name on the wire, for metrics too.
pub(super) const fn method_name(method: AuthenticationMethod) -> &'static str {
    match method {
        AuthenticationMethod::Push => "push",
        AuthenticationMethod::Otp => "otp",
        AuthenticationMethod::Sms => "sms",
    }
}
