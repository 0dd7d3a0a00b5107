//! What is deleted, by table.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::store::journal::PROMPTS_COUNT_FOR;
use crate::store::queries::sweep;
use crate::store::rows::callback_state;
use crate::store::{Connection, QueryResult, Store, StoreError, WriteError};

/// Rows deleted in one transaction.
const BATCH: i64 = 500;

/// How long an appliance that polls with an expired device code is still told that it expired.
const EXPIRED_DEVICE_CODES: Duration = Duration::from_secs(600);

/// How long counts of messages are looked at: two windows of an hour.
const MESSAGES_COUNT_FOR: Duration = Duration::from_secs(2 * 60 * 60);

/// The times before which rows are deleted.
#[derive(Clone, Copy)]
pub(super) struct Ends {
    pub(super) now: Timestamp,
    pub(super) transactions: Timestamp,
    pub(super) events: Timestamp,
    pub(super) delivered_callbacks: Timestamp,
    pub(super) dead_callbacks: Timestamp,
    pub(super) unused_devices: Timestamp,
}

/// Deletes one batch and returns how many rows that were.
pub(super) type Deletion = fn(&mut Connection, Ends) -> QueryResult<usize>;

/// Everything that is deleted by age.
pub(super) const DELETIONS: &[Deletion] = &[
    |c, ends| sweep::delete_finished_transactions(c, ends.now, ends.transactions, BATCH),
    |c, ends| sweep::delete_prompts(c, ends.now.before(PROMPTS_COUNT_FOR), BATCH),
    |c, ends| sweep::delete_message_counts(c, ends.now.before(MESSAGES_COUNT_FOR), BATCH),
    |c, ends| sweep::delete_events(c, ends.events, BATCH),
    |c, ends| {
        let (state, before) = (callback_state::DELIVERED, ends.delivered_callbacks);
        sweep::delete_finished_callbacks(c, state, before, BATCH)
    },
    |c, ends| sweep::delete_finished_callbacks(c, callback_state::DEAD, ends.dead_callbacks, BATCH),
    |c, ends| sweep::delete_expired_idempotency_keys(c, ends.now, BATCH),
    |c, ends| sweep::delete_expired_assertion_ids(c, ends.now, BATCH),
    |c, ends| sweep::delete_expired_access_tokens(c, ends.now, BATCH),
    |c, ends| sweep::delete_expired_grants(c, ends.now, BATCH),
    |c, ends| sweep::delete_expired_authorizations(c, ends.now, BATCH),
    |c, ends| sweep::delete_expired_pushed_requests(c, ends.now, BATCH),
    |c, ends| sweep::delete_expired_device_codes(c, ends.now.before(EXPIRED_DEVICE_CODES), BATCH),
    |c, ends| sweep::delete_expired_login_sessions(c, ends.now, BATCH),
    |c, ends| sweep::delete_expired_session_clients(c, ends.now, BATCH),
    |c, ends| sweep::delete_unused_devices(c, ends.unused_devices, BATCH),
    |c, ends| sweep::delete_registration_counts(c, ends.now, BATCH),
];

/// Deletes one batch; whether there may be more.
pub(super) async fn delete_batch(
    store: &Store,
    deletion: Deletion,
    ends: Ends,
) -> Result<bool, StoreError> {
    let deleted = store
        .write::<_, StoreError, _>(move |connection| {
            deletion(connection, ends).map_err(WriteError::from)
        })
        .await?;

    Ok(i64::try_from(deleted).is_ok_and(|deleted| deleted >= BATCH))
}
