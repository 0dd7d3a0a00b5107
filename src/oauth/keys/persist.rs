//! The keys in the database, sealed.

use std::time::Duration;

use super::schedule::{self, Next};
use crate::clock::Timestamp;
use crate::oauth::OAuthError;
use crate::store::queries::{events, signing_keys as queries};
use crate::store::rows::{EventRow, SigningKeyRow};
use crate::store::{Connection, QueryResult, Store, StoreError};

/// A key that was just made, without its times yet.
pub(super) struct NewKey {
    pub(super) kid: String,
    pub(super) algorithm: &'static str,
    pub(super) sealed: Vec<u8>,
}

/// All keys, the oldest first.
pub(super) async fn load(store: &Store) -> Result<Vec<SigningKeyRow>, StoreError> {
    store.read(queries::load_signing_keys).await
}

/// Adds a key where its algorithm still needs one, whatever other nodes have done meanwhile; all
/// keys there are then.
pub(super) async fn add(
    store: &Store,
    key: NewKey,
    rotation: Duration,
    now: Timestamp,
    rotated: EventRow,
) -> Result<Vec<SigningKeyRow>, OAuthError> {
    store
        .write(move |connection| {
            queries::lock_signing_keys(connection)?;
            let present = queries::load_signing_keys(connection)?;
            let Some(next) = schedule::decide(latest(&present, key.algorithm), rotation, now)
            else {
                return Ok(present);
            };
            insert(connection, key, next, now)?;
            if next.predecessors_until.is_some() {
                events::insert_event(connection, &rotated)?;
            }
            Ok(queries::load_signing_keys(connection)?)
        })
        .await
}

fn insert(connection: &mut Connection, key: NewKey, next: Next, now: Timestamp) -> QueryResult<()> {
    if let Some(until) = next.predecessors_until {
        queries::retire_signing_keys(connection, key.algorithm, until.as_millis())?;
    }
    let row = SigningKeyRow {
        kid: key.kid,
        algorithm: key.algorithm.to_owned(),
        private_key: key.sealed,
        created_at: now.as_millis(),
        active_from: next.active_from.as_millis(),
        published_until: None,
    };
    queries::insert_signing_key(connection, &row)
}

/// From when the latest key of an algorithm signs.
pub(super) fn latest(rows: &[SigningKeyRow], algorithm: &str) -> Option<Timestamp> {
    let of_algorithm = rows.iter().filter(|row| row.algorithm == algorithm);
    of_algorithm
        .map(|row| Timestamp::from_millis(row.active_from))
        .max()
}

/// Removes the keys whose time is over.
pub(super) async fn delete_retired(store: &Store, now: Timestamp) -> Result<(), OAuthError> {
    store
        .write(move |connection| {
            Ok(queries::delete_retired_signing_keys(connection, now.as_millis()).map(drop)?)
        })
        .await
}
