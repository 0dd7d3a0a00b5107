//! Users in the database. Each change and its event are one database transaction.

use crate::ids::UserId;
use crate::store::queries::{events as log, users as queries};
use crate::store::rows::EventRow;
use crate::store::{Batched, Connection, Store, StoreError, WriteError};

use super::error::{RENAMED_DEVICES_MAX, UserError};

/// Those who are disabled, by user id.
pub(super) type DisabledUsers = Batched<String, ()>;

pub(super) fn disabled_users(store: &Store) -> DisabledUsers {
    Batched::new(store.clone(), queries::find_disabled_users)
}

/// What becomes of a user, beside that everything the user is logged in with ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Change {
    LogOut,
    /// May do nothing from now on.
    Disable {
        /// Milliseconds since the epoch.
        now: i64,
    },
    /// May log in again.
    Enable,
}

/// Ends everything a user is logged in with.
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

fn apply<E>(connection: &mut Connection, user: &str, change: Change) -> Result<(), WriteError<E>> {
    match change {
        Change::LogOut => {}
        Change::Disable { now } => {
            queries::insert_disabled_user(connection, user, now)?;
        }
        Change::Enable => {
            queries::delete_disabled_user(connection, user)?;
        }
    }
    Ok(())
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
            if queries::is_known(connection, new.as_str())? {
                return Err(WriteError::Refused(UserError::Taken));
            }
            queries::end_logins(connection, user.as_str())?;
            let moved =
                queries::rename_user(connection, user.as_str(), new.as_str(), RENAMED_DEVICES_MAX)?;
            if moved.is_none() {
                return Err(WriteError::Refused(UserError::TooManyDevices));
            }
            for event in &events {
                log::insert_event(connection, event)?;
            }
            Ok(())
        })
        .await
}
