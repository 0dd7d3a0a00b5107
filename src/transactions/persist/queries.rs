//! Queries for transactions and idempotency keys.

use crate::clock::Timestamp;
use crate::ids::{ClientId, DeviceId, TransactionId};
use crate::store::rows::{IdBytes, IdempotencyRow, TransactionRow};
use crate::store::{CorruptRow, Store, StoreError, WriteError, queries};

pub(in crate::transactions) async fn find(
    store: &Store,
    id: TransactionId,
) -> Result<Option<TransactionRow>, StoreError> {
    store
        .read(move |connection| queries::transactions::find_transaction(connection, id.as_bytes()))
        .await
}

/// The pending transactions of a device, oldest first.
pub(in crate::transactions) async fn find_pending_of_device(
    store: &Store,
    device: &DeviceId,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<TransactionRow>, StoreError> {
    let device = device.clone();
    store
        .read(move |connection| {
            queries::transactions::find_pending_by_device(connection, device.as_str(), now, limit)
        })
        .await
}

/// Ids of pending transactions that expired before `before`.
pub(in crate::transactions) async fn find_expired(
    store: &Store,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<TransactionId>, StoreError> {
    let ids = store
        .read(move |connection| {
            queries::transactions::find_expired_pending(connection, before, limit)
        })
        .await?;

    transaction_ids(&ids)
}

/// Ids of pending transactions whose message was still on its way when they were saved, in the order
/// of their ids, from the first after `after` on.
pub(in crate::transactions) async fn find_delivery_due(
    store: &Store,
    after: Option<TransactionId>,
    limit: i64,
) -> Result<Vec<TransactionId>, StoreError> {
    let ids = store
        .read(move |connection| {
            let after = after.as_ref().map(|id| id.as_bytes().as_slice());
            queries::transactions::find_delivery_due(connection, after, limit)
        })
        .await?;

    transaction_ids(&ids)
}

/// A website's idempotency key.
pub(in crate::transactions) async fn find_idempotency_key(
    store: &Store,
    client: &ClientId,
    key_hash: [u8; 32],
) -> Result<Option<IdempotencyRow>, StoreError> {
    let client = client.clone();
    store
        .read(move |connection| {
            queries::idempotency::find_idempotency_key(connection, client.as_str(), &key_hash)
        })
        .await
}

/// Stores the answer to the request with this key, unless there is one.
pub(in crate::transactions) async fn save_answer(
    store: &Store,
    row: IdempotencyRow,
    answer: Vec<u8>,
) -> Result<bool, StoreError> {
    store
        .write(move |connection| {
            let IdempotencyRow {
                client_id,
                key_hash,
                created_at,
                ..
            } = &row;

            queries::idempotency::save_idempotent_answer(
                connection,
                client_id,
                key_hash,
                *created_at,
                &answer,
            )
            .map_err(WriteError::from)
        })
        .await
}

fn transaction_ids(ids: &[IdBytes]) -> Result<Vec<TransactionId>, StoreError> {
    ids.iter()
        .map(|id| {
            let bytes = id.as_slice().try_into();
            bytes
                .map(TransactionId::from_bytes)
                .map_err(|_| CorruptRow::new("transactions", id).into())
        })
        .collect()
}
