//! Users in the database. Each change and its events share one database transaction.

use crate::ids::UserId;
use crate::store::queries::{events as log, failures, users as queries};
use crate::store::rows::EventRow;
use crate::store::{Batched, Connection, QueryResult, Store, StoreError, WriteError};

use super::error::{RENAMED_DEVICES_MAX, UserError};

/// Reads who is disabled, many users at once.
pub(super) type DisabledUsers = Batched<String, ()>;

pub(super) fn disabled_users(store: &Store) -> DisabledUsers {
    Batched::new(store.clone(), queries::find_disabled_users)
}

/// Whether a user may log in again after all logins have ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum Change {
    /// As before.
    LogOut,
    /// Not until enabled.
    Disable {
        /// Milliseconds since the epoch.
        now: i64,
    },
    Enable,
}

/// Ends everything a user is logged in with, and carries out the change.
pub(super) async fn end_logins(
    store: &Store,
    user: &UserId,
    change: Change,
    event: EventRow,
) -> Result<(), StoreError> {
    let user = user.clone();

    store
        .write_contended(move |connection| {
            apply(connection, user.as_str(), change)?;
            queries::end_logins(connection, user.as_str())?;
            Ok(log::insert_event(connection, &event)?)
        })
        .await
}

fn apply(connection: &mut Connection, user: &str, change: Change) -> QueryResult<()> {
    match change {
        Change::LogOut => Ok(()),
        Change::Disable { now } => queries::insert_disabled_user(connection, user, now).map(drop),
        Change::Enable => queries::delete_disabled_user(connection, user).map(drop),
    }
}

/// Forgets the wrong answers of a user in a row.
pub(super) async fn unlock(store: &Store, user: &UserId) -> Result<(), StoreError> {
    let user = user.clone();

    store
        .write(move |connection| {
            failures::forget_failures_of_user(connection, user.as_str())?;
            Ok(())
        })
        .await
}

/// Ends everything a user is logged in with, and moves everything else to a new id.
pub(super) async fn rename(
    store: &Store,
    user: &UserId,
    new: &UserId,
    events: [EventRow; 2],
) -> Result<(), UserError> {
    let (user, new) = (user.clone(), new.clone());

    store
        .write_contended(move |connection| {
            let (user, new) = (user.as_str(), new.as_str());
            if queries::is_known(connection, new)? {
                return Err(WriteError::Refused(UserError::Taken));
            }

            queries::end_logins(connection, user)?;

            if queries::rename_user(connection, user, new, RENAMED_DEVICES_MAX)?.is_none() {
                return Err(WriteError::Refused(UserError::TooManyDevices));
            }

            for event in &events {
                log::insert_event(connection, event)?;
            }

            Ok(())
        })
        .await
}
