//! The keys in the database, sealed.

use super::generate::NewKey;
use super::schedule::{self, Next, Plan};
use crate::clock::Timestamp;
use crate::oauth::model::StoredKey;
use crate::store::queries::{events, signing_keys as queries};
use crate::store::rows::{EventRow, SigningKeyRow};
use crate::store::{Connection, QueryResult, Store, StoreError, WriteError};

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
    plan: Plan,
    now: Timestamp,
    rotated: EventRow,
) -> Result<Vec<StoredKey>, StoreError> {
    store
        .write(move |connection| {
            // Two nodes that miss a key at the same moment would each add one.
            queries::lock_signing_keys(connection)?;
            let present = load_in(connection)?;
            let latest = schedule::latest(&present, key.algorithm);
            let Some(next) = schedule::decide(latest, plan, now) else {
                // Another node was faster: the key that was made here has never signed and is
                // dropped.
                return Ok(present);
            };

            insert(connection, key, next, now, &rotated)?;
            load_in(connection)
        })
        .await
}

/// Adds a key, whatever keys there are. Gives it.
pub(super) async fn rotate(
    store: &Store,
    key: NewKey,
    next: Next,
    now: Timestamp,
    rotated: EventRow,
) -> Result<StoredKey, StoreError> {
    store
        .write(move |connection| {
            queries::lock_signing_keys(connection)?;
            Ok::<_, WriteError<StoreError>>(insert(connection, key, next, now, &rotated)?)
        })
        .await
}

fn insert(
    connection: &mut Connection,
    key: NewKey,
    next: Next,
    now: Timestamp,
    rotated: &EventRow,
) -> QueryResult<StoredKey> {
    let key = StoredKey {
        kid: key.kid,
        algorithm: key.algorithm,
        sealed: key.sealed,
        created_at: now,
        active_from: next.active_from,
        published_until: None,
    };

    if let Some(until) = next.predecessors_until {
        let algorithm = key.algorithm.as_str();
        if until <= now {
            queries::withdraw_signing_keys(connection, algorithm)?;
        } else {
            queries::retire_signing_keys(connection, algorithm, until.as_millis())?;
        }
        events::insert_event(connection, rotated)?;
    }

    queries::insert_signing_key(connection, &key.clone().into_row())?;

    Ok(key)
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
