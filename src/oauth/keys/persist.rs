//! The keys in the database, sealed.

use std::time::Duration;

use super::generate::NewKey;
use super::schedule;
use crate::clock::Timestamp;
use crate::oauth::model::StoredKey;
use crate::store::queries::{events, signing_keys as queries};
use crate::store::rows::{EventRow, SigningKeyRow};
use crate::store::{Connection, Store, StoreError, WriteError};

/// All keys, the oldest first.
pub(super) async fn load(store: &Store) -> Result<Vec<StoredKey>, StoreError> {
    keys(store.read(queries::load_signing_keys).await?)
}

fn keys(rows: Vec<SigningKeyRow>) -> Result<Vec<StoredKey>, StoreError> {
    let keys = rows.into_iter().map(StoredKey::from_row);
    Ok(keys.collect::<Result<_, _>>()?)
}

fn load_in(connection: &mut Connection) -> Result<Vec<StoredKey>, WriteError<StoreError>> {
    keys(queries::load_signing_keys(connection)?).map_err(WriteError::Refused)
}

/// Adds a key where its algorithm still needs one, whatever other nodes have done meanwhile. Gives
/// all keys, the oldest first.
pub(super) async fn add(
    store: &Store,
    key: NewKey,
    rotation: Duration,
    now: Timestamp,
    rotated: EventRow,
) -> Result<Vec<StoredKey>, StoreError> {
    store
        .write(move |connection| {
            // Two nodes that miss a key at the same moment would each add one.
            queries::lock_signing_keys(connection)?;
            let present = load_in(connection)?;
            let latest = schedule::latest(&present, key.algorithm);
            let Some(next) = schedule::decide(latest, rotation, now) else {
                // Another node was faster: the key that was made here has never signed and is
                // dropped.
                return Ok(present);
            };

            if let Some(until) = next.predecessors_until {
                let algorithm = key.algorithm.as_str();
                queries::retire_signing_keys(connection, algorithm, until.as_millis())?;
                events::insert_event(connection, &rotated)?;
            }

            let key = StoredKey {
                kid: key.kid,
                algorithm: key.algorithm,
                sealed: key.sealed,
                created_at: now,
                active_from: next.active_from,
                published_until: None,
            };

            queries::insert_signing_key(connection, &key.into_row())?;

            load_in(connection)
        })
        .await
}

/// Deletes the keys that are not published any more.
pub(super) async fn delete_retired(store: &Store, now: Timestamp) -> Result<(), StoreError> {
    store
        .write(move |connection| {
            queries::delete_retired_signing_keys(connection, now.as_millis())?;
            Ok(())
        })
        .await
}
