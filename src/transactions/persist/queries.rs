//! Queries for transactions and idempotency keys.

use super::record::result_of;
use crate::clock::Timestamp;
use crate::ids::{ClientId, DeviceId, TransactionId};
use crate::store::queries::idempotency::IdempotencyKeyId;
use crate::store::rows::{AskedRow, IdBytes, IdempotencyRow, ResultRow, TransactionRow};
use crate::store::{Batched, CorruptRow, Store, StoreError, WriteError, queries};
use crate::transactions::types::TransactionResult;

/// Reads by key that share queries.
pub(in crate::transactions) struct Reads {
    results: Batched<IdBytes, ResultRow>,
    pending: Batched<String, Vec<TransactionRow>>,
    asked: Batched<IdBytes, AskedRow>,
    idempotency_keys: Batched<IdempotencyKeyId, IdempotencyRow>,
}

impl Reads {
    pub(in crate::transactions) fn new(store: &Store) -> Self {
        Self {
            results: Batched::new(store.clone(), queries::waiting::find_results),
            pending: Batched::new(store.clone(), queries::waiting::find_pending_of_devices),
            asked: Batched::new(store.clone(), queries::transactions::find_asked),
            idempotency_keys: Batched::new(
                store.clone(),
                queries::idempotency::find_idempotency_keys,
            ),
        }
    }

    /// What the website is told of its transaction.
    pub(in crate::transactions) async fn result(
        &self,
        client: &ClientId,
        id: TransactionId,
    ) -> Result<Option<TransactionResult>, StoreError> {
        let row = self.results.find(id.as_bytes().to_vec()).await?;

        row.filter(|row| row.client_id == client.as_str())
            .map(|row| result_of(&row))
            .transpose()
    }

    /// The pending transactions of a device, oldest first. Those of disabled users are left out.
    pub(in crate::transactions) async fn pending(
        &self,
        device: &DeviceId,
        now: Timestamp,
    ) -> Result<Vec<TransactionRow>, StoreError> {
        let rows = self.pending.find(device.to_string()).await?;
        let mut rows = rows.unwrap_or_default();
        rows.retain(|row| row.expires_at > now.as_millis());

        Ok(rows)
    }

    /// A transaction of this device, with the keys that it is asked with. `None` where its user is
    /// disabled.
    pub(in crate::transactions) async fn asked(
        &self,
        device: &DeviceId,
        id: TransactionId,
    ) -> Result<Option<AskedRow>, StoreError> {
        let row = self.asked.find(id.as_bytes().to_vec()).await?;

        let is_asked =
            |row: &AskedRow| row.transaction.device_id.as_deref() == Some(device.as_str());
        Ok(row.filter(is_asked))
    }

    /// A website's idempotency key.
    pub(in crate::transactions) async fn idempotency_key(
        &self,
        client: &ClientId,
        key_hash: [u8; 32],
    ) -> Result<Option<IdempotencyRow>, StoreError> {
        let id = (client.to_string(), key_hash.to_vec());
        self.idempotency_keys.find(id).await
    }
}

pub(in crate::transactions) async fn find(
    store: &Store,
    id: TransactionId,
) -> Result<Option<TransactionRow>, StoreError> {
    store
        .read(move |connection| queries::transactions::find_transaction(connection, id.as_bytes()))
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

/// Pending transactions whose message is owed under a lease that has run out.
pub(in crate::transactions) async fn find_lapsed_deliveries(
    store: &Store,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<TransactionRow>, StoreError> {
    store
        .read(move |connection| {
            queries::transactions::find_lapsed_deliveries(connection, now, limit)
        })
        .await
}

/// Replaces the answer to the request that this key was claimed for at `created_at`.
pub(in crate::transactions) async fn replace_answer(
    store: &Store,
    client: &ClientId,
    key_hash: [u8; 32],
    created_at: Timestamp,
    answer: Vec<u8>,
) -> Result<(), StoreError> {
    let client = client.clone();

    store
        .write(move |connection| {
            queries::idempotency::replace_idempotent_answer(
                connection,
                client.as_str(),
                &key_hash,
                created_at,
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
