//! Reads and writes the rows of callbacks.

use std::time::Duration;

use super::client::{Call, Content};
use super::queue::host_of;
use super::types::{Callback, CallbackId, CallbackState, Replay};
use crate::clock::Timestamp;
use crate::ids::{TransactionId, uuid_v7};
use crate::random::Random;
use crate::secret::SecretString;
use crate::store::queries::{callbacks as queries, events, transactions};
use crate::store::rows::{CallbackOutcome, CallbackRow, EventRow, callback_state};
use crate::store::{Connection, CorruptRow, Store, StoreError, WriteError};

/// How long a claimed row is reserved for the node that claimed it. Longer than an attempt can take.
/// If a node dies, other nodes claim its rows after this time.
const LEASE: Duration = Duration::from_secs(60);

pub(super) fn new_row(
    content: Content,
    callback_uri: String,
    now: Timestamp,
    random: &dyn Random,
) -> CallbackRow {
    let id = uuid_v7(now, random).into_bytes().to_vec();

    CallbackRow {
        // Of one that is about no transaction it is its own: the column is never empty.
        transaction_id: match &content {
            Content::Transaction(transaction_id) => transaction_id.as_bytes().to_vec(),
            Content::Logout(_) => id.clone(),
        },
        id,
        host: host_of(&callback_uri),
        callback_uri,
        state: callback_state::DUE,
        attempts: 0,
        created_at: now.as_millis(),
        due_at: now.as_millis(),
        lease_until: 0,
        fence: 0,
        finished_at: None,
        last_error: None,
        logout_token: match content {
            Content::Transaction(_) => None,
            Content::Logout(token) => Some(token.expose().to_owned()),
        },
    }
}

/// The outcome of an attempt, to be saved.
#[derive(Clone, Debug)]
pub(super) struct AttemptOutcome {
    pub(super) outcome: CallbackOutcome,
    pub(super) transaction_id: Vec<u8>,
    /// The audit log's event if the callback is finished.
    pub(super) event: Option<EventRow>,
}

/// Saves the outcomes with their events, and claims up to `limit` rows that are due, except those to
/// the hosts in `except`. Both happen in one commit.
pub(super) async fn save_and_claim(
    store: &Store,
    outcomes: Vec<AttemptOutcome>,
    now: Timestamp,
    except: Vec<String>,
    limit: usize,
) -> Result<Vec<CallbackRow>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);

    store
        .write(move |connection| {
            for outcome in outcomes {
                save(connection, outcome)?;
            }

            // The server stops, or the queue is full: only outcomes are saved.
            if limit == 0 {
                return Ok(Vec::new());
            }

            Ok::<_, WriteError<StoreError>>(queries::claim_due_callbacks(
                connection, now, LEASE, &except, limit,
            )?)
        })
        .await
}

/// Saves nothing if the lease has expired: then another node has sent the callback too and saves
/// its own outcome.
fn save(
    connection: &mut Connection,
    attempt: AttemptOutcome,
) -> Result<(), WriteError<StoreError>> {
    if !queries::finish_callback(connection, &attempt.outcome)? {
        return Ok(());
    }

    let Some(event) = attempt.event else {
        return Ok(());
    };

    // It may have been deleted by now: how long results are kept is configured, and attempts go on
    // for a day.
    let transaction = transactions::find_transaction(connection, &attempt.transaction_id)?;
    let event = match transaction {
        Some(row) => EventRow {
            client_id: Some(row.client_id),
            user_id: row.user_id,
            device_id: row.device_id,
            ..event
        },
        None => event,
    };

    Ok(events::insert_event(connection, &event)?)
}

pub(super) async fn list(
    store: &Store,
    state: Option<CallbackState>,
    after: Option<CallbackId>,
    limit: usize,
) -> Result<Vec<Callback>, StoreError> {
    let state = state.map(CallbackState::as_row);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let after = after.map(CallbackId::into_bytes);

    let rows = store
        .read(move |connection| {
            let after = after.as_ref().map(<[u8; 16]>::as_slice);
            queries::list_callbacks(connection, state, after, limit)
        })
        .await?;

    let callbacks = rows.into_iter().map(from_row);
    Ok(callbacks.collect::<Result<_, _>>()?)
}

pub(super) async fn replay(
    store: &Store,
    id: CallbackId,
    now: Timestamp,
) -> Result<Replay, StoreError> {
    let id = id.into_bytes();
    store
        .write(move |connection| {
            if queries::replay_callback(connection, &id, now)? {
                return Ok(Replay::Queued);
            }
            let found = queries::find_callback(connection, &id)?;
            Ok::<_, WriteError<StoreError>>(found.map_or(Replay::NotFound, |_| Replay::StillDue))
        })
        .await
}

fn from_row(row: CallbackRow) -> Result<Callback, CorruptRow> {
    let corrupt = CorruptRow::new("callbacks", &row.id);

    let read = || {
        Some(Callback {
            id: CallbackId::from_row(&row.id)?,
            transaction_id: match content_of(&row)? {
                Content::Transaction(id) => Some(id),
                Content::Logout(_) => None,
            },
            callback_uri: row.callback_uri,
            state: CallbackState::from_row(row.state)?,
            attempts: row.attempts.try_into().ok()?,
            created_at: Timestamp::from_millis(row.created_at),
            due_at: Timestamp::from_millis(row.due_at),
            finished_at: row.finished_at.map(Timestamp::from_millis),
            last_error: row.last_error,
        })
    };

    read().ok_or(corrupt)
}

/// What an attempt to send a claimed row needs of it.
pub(super) fn call_of(row: &CallbackRow) -> Result<Call, CorruptRow> {
    let read = || {
        Some(Call {
            id: CallbackId::from_row(&row.id)?,
            content: content_of(row)?,
            callback_uri: row.callback_uri.clone(),
        })
    };

    read().ok_or_else(|| CorruptRow::new("callbacks", &row.id))
}

/// `None` where the row cannot be read.
pub(super) fn content_of(row: &CallbackRow) -> Option<Content> {
    match &row.logout_token {
        Some(token) => Some(Content::Logout(SecretString::new(token.clone()))),
        None => {
            let id = row.transaction_id.as_slice().try_into().ok()?;
            Some(Content::Transaction(TransactionId::from_bytes(id)))
        }
    }
}
