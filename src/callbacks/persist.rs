//! Callbacks in the database.

use std::time::Duration;

use super::{Callback, CallbackId, CallbackState, Replay};
use crate::clock::Timestamp;
use crate::ids::TransactionId;
use crate::store::queries::{callbacks as queries, events, transactions};
use crate::store::rows::{CallbackOutcome, CallbackRow, EventRow};
use crate::store::{Connection, Store, StoreError, WriteError};

/// How long a claimed row belongs to the one who claimed it: longer than an attempt can take. When
/// a node dies, its rows wait that long.
const LEASE: Duration = Duration::from_secs(60);

/// What came of an attempt, ready to be saved.
#[derive(Clone, Debug)]
pub(super) struct Settled {
    pub(super) outcome: CallbackOutcome,
    pub(super) transaction_id: Vec<u8>,
    /// To be noted if this is the end of the callback.
    pub(super) event: Option<EventRow>,
}

/// Saves what was settled, each with its event, and claims up to `limit` rows that are due and do
/// not go to the addresses in `except`: one commit for both.
pub(super) async fn turn(
    store: &Store,
    settled: Vec<Settled>,
    now: Timestamp,
    except: Vec<String>,
    limit: usize,
) -> Result<Vec<CallbackRow>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);

    store
        .write(move |connection| {
            for settled in settled {
                save(connection, settled)?;
            }
            if limit == 0 {
                return Ok(Vec::new());
            }
            Ok::<_, WriteError<StoreError>>(queries::claim_due_callbacks(
                connection, now, LEASE, &except, limit,
            )?)
        })
        .await
}

/// Nothing is noted when the lease was lost meanwhile: then another node has sent it too, and says
/// so.
fn save(connection: &mut Connection, settled: Settled) -> Result<(), WriteError<StoreError>> {
    if !queries::finish_callback(connection, &settled.outcome)? {
        return Ok(());
    }

    let Some(event) = settled.event else {
        return Ok(());
    };
    let about = transactions::find_transaction(connection, &settled.transaction_id)?;
    let event = match about {
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
    let after = after.map(|CallbackId(id)| id.into_bytes());
    let after = move |connection: &mut Connection| {
        queries::list_callbacks(
            connection,
            state,
            after.as_ref().map(<[u8; 16]>::as_slice),
            limit,
        )
    };

    Ok(store
        .read(after)
        .await?
        .into_iter()
        .map(callback_of)
        .collect())
}

pub(super) async fn replay(
    store: &Store,
    id: CallbackId,
    now: Timestamp,
) -> Result<Replay, StoreError> {
    let id = id.0.into_bytes();
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

fn callback_of(row: CallbackRow) -> Callback {
    Callback {
        id: CallbackId::from_row(&row.id),
        transaction_id: transaction_of(&row.transaction_id),
        callback_uri: row.callback_uri,
        state: CallbackState::from_row(row.state),
        attempts: u32::try_from(row.attempts).unwrap_or(0),
        created_at: Timestamp::from_millis(row.created_at),
        due_at: Timestamp::from_millis(row.due_at),
        finished_at: row.finished_at.map(Timestamp::from_millis),
        last_error: row.last_error,
    }
}

pub(super) fn transaction_of(bytes: &[u8]) -> TransactionId {
    TransactionId::from_bytes(bytes.try_into().unwrap_or_default())
}
