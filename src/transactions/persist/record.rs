//! Rows that are read: the record that a pending transaction's actor keeps, what websites and devices
//! see of it, and its message.

use std::sync::Arc;

use super::columns::ending_of;
use crate::clock::Timestamp;
use crate::ids::{ClientId, DeviceId, TransactionId, UserId};
use crate::secret::Keyring;
use crate::store::rows::{ResultRow, TransactionRow};
use crate::store::{CorruptRow, StoreError};
use crate::transactions::content::Content;
use crate::transactions::messages::{Action, Caller};
use crate::transactions::methods::{self, Method, Outgoing, Recipient};
use crate::transactions::owed::{Owed, Progress};
use crate::transactions::state::{Ending, Limits, Pending, State};
use crate::transactions::types::{PendingTransaction, Status, TransactionResult};

/// What is kept in memory of a transaction: no more than decisions need.
pub(in crate::transactions) struct Record {
    pub id: TransactionId,
    pub client: ClientId,
    pub method: &'static Method,
    pub user: Option<UserId>,
    pub device: Option<DeviceId>,
    pub state: State,
    pub limits: Limits,
    pub version: i64,
    pub delivery_fence: i64,
    pub callback_uri: Option<Arc<str>>,
}

impl Record {
    pub(in crate::transactions) fn from_row(row: &TransactionRow) -> Result<Self, StoreError> {
        let read = || {
            let state = match ending_of(row.status, row.reason)? {
                Some(ending) => State::Final(ending),
                None => State::Pending(Pending {
                    attempts: row.attempts.try_into().ok()?,
                    resends: row.resends.try_into().ok()?,
                    claimed: row.user_id.is_some(),
                }),
            };

            Some(Self {
                id: id_of(row)?,
                client: ClientId::new(&row.client_id).ok()?,
                method: methods::of_column(row.method)?,
                user: optional(row.user_id.as_deref(), UserId::new)?,
                device: optional(row.device_id.as_deref(), DeviceId::new)?,
                state,
                limits: Limits {
                    attempts_max: row.attempts_max.try_into().ok()?,
                    resends_max: row.resends_max.try_into().ok()?,
                    expires_at: Timestamp::from_millis(row.expires_at),
                },
                version: row.version,
                delivery_fence: row.delivery_fence,
                callback_uri: row.callback_uri.as_deref().map(Arc::from),
            })
        };

        read().ok_or_else(|| corrupt(row))
    }

    /// Whether this caller has anything to do with the transaction.
    pub(in crate::transactions) fn obeys(&self, caller: &Caller) -> bool {
        match caller {
            Caller::Server => true,
            Caller::Device(device) => self.device.as_ref() == Some(device),
            Caller::Website { client, user } => {
                let is_named = user.is_none() || self.user == *user;
                self.client == *client && is_named
            }
        }
    }

    /// Whether this claim is the one that was granted.
    pub(in crate::transactions) fn is_claimed_by(&self, action: &Action) -> bool {
        matches!(action, Action::Claim { user, device, .. }
            if self.user.as_ref() == Some(user) && self.device.as_ref() == Some(device))
    }

    /// Follows a step that is saved.
    pub(in crate::transactions) fn apply(&mut self, next: State, action: &Action) {
        // As the update does in the row: the next change expects this one.
        self.version += 1;
        self.state = next;

        if let (State::Pending(_), Action::Claim { user, device, .. }) = (next, action) {
            self.user = Some(user.clone());
            self.device = Some(device.clone());
        }

        if let Action::Resend { .. } = action {
            self.delivery_fence += 1;
        }
    }
}

/// The result as the website sees it.
pub(in crate::transactions) fn result_of(row: &ResultRow) -> Result<TransactionResult, StoreError> {
    let read = || {
        let ending = ending_of(row.status, row.reason)?;
        let id = row.id.as_slice().try_into().ok()?;

        Some(TransactionResult {
            transaction_id: TransactionId::from_bytes(id),
            callback_uri: row.callback_uri.clone(),
            created_at: Timestamp::from_millis(row.created_at),
            expires_at: Timestamp::from_millis(row.expires_at),
            user_id: optional(row.user_id.as_deref(), UserId::new)?,
            method: methods::of_column(row.method)?.id,
            status: ending.map_or(Status::Pending, Ending::status),
            reason: ending.and_then(Ending::reason),
        })
    };

    read().ok_or_else(|| CorruptRow::new("transactions", &row.id).into())
}

/// The pending transaction as its device sees it in the list.
pub(in crate::transactions) fn pending_of(
    row: &TransactionRow,
    message: String,
    now: Timestamp,
) -> Result<PendingTransaction, StoreError> {
    let read = || {
        Some(PendingTransaction {
            transaction_id: id_of(row)?,
            profile_id: row.profile_id.as_deref()?.parse().ok()?,
            method: methods::of_column(row.method)?.id,
            message,
            created_at: Timestamp::from_millis(row.created_at),
            time_to_live_seconds: Timestamp::from_millis(row.expires_at).since(now).as_secs(),
        })
    };

    read().ok_or_else(|| corrupt(row))
}

/// How far the delivery of the message has come.
pub(in crate::transactions) fn progress_of(row: &TransactionRow) -> Result<Progress, StoreError> {
    Progress::of_column(row.delivery_progress).ok_or_else(|| corrupt(row))
}

/// The lease of a delivery: its fence, its end, and whether the message may have been taken before.
pub(in crate::transactions) struct Lease {
    pub fence: i64,
    pub until: Timestamp,
    pub is_in_doubt: bool,
}

/// The message that is owed, as the row says, under this lease.
pub(in crate::transactions) fn owed_of(
    row: &TransactionRow,
    lease: &Lease,
    keyring: &Keyring,
) -> Result<Owed, StoreError> {
    let content = open_content(row, keyring)?;

    let read = || {
        let recipient = Recipient {
            user: optional(row.user_id.as_deref(), UserId::new)?,
            device: optional(row.device_id.as_deref(), DeviceId::new)?,
            destination: None,
            profile: optional(row.profile_id.as_deref(), str::parse)?,
        };

        let (id, expires_at) = (id_of(row)?, Timestamp::from_millis(row.expires_at));
        let sends = methods::of_column(row.method)?.sends?;
        let message = (sends.message)(&Outgoing {
            id,
            recipient: &recipient,
            content: &content,
            expires_at,
            keyring,
        })?;

        Some(Owed {
            id,
            user: recipient.user,
            fence: lease.fence,
            lease_until: lease.until,
            is_in_doubt: lease.is_in_doubt,
            is_first: !row.delivered,
            is_looked_for: false,
            message,
            expires_at,
        })
    };

    read().ok_or_else(|| corrupt(row))
}

/// The confidential part of a transaction.
pub(in crate::transactions) fn open_content(
    row: &TransactionRow,
    keyring: &Keyring,
) -> Result<Content, StoreError> {
    id_of(row)
        .and_then(|id| Content::open(keyring, id, &row.content).ok())
        .ok_or_else(|| corrupt(row))
}

fn id_of(row: &TransactionRow) -> Option<TransactionId> {
    let id = row.id.as_slice().try_into().ok()?;
    Some(TransactionId::from_bytes(id))
}

/// The value of a column that may be empty. `None` where it cannot be read.
fn optional<T, E>(
    column: Option<&str>,
    read: impl FnOnce(&str) -> Result<T, E>,
) -> Option<Option<T>> {
    column.map(read).transpose().ok()
}

fn corrupt(row: &TransactionRow) -> StoreError {
    CorruptRow::new("transactions", &row.id).into()
}
