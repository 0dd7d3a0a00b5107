//! Authenticators in the database: their keys, the tries of them.

use super::super::authenticators::AuthenticatorName;
use super::super::{Device, EnrolmentError, EnrolmentRefusal};
use super::{public_key, refuse};
use crate::ids::{DeviceId, UserId};
use crate::jose::PublicJwk;
use crate::store::journal::{Entry, Guard, Outcome};
use crate::store::queries::{devices as queries, events, tokens};
use crate::store::rows::{AssertionIdRow, AuthenticatorRow, AuthenticatorTry, EventRow};
use crate::store::{Connection, Store, StoreError};

/// The key an answer by this authenticator is verified with, and the device. `None` for `name` is
/// the installation's key.
pub(in crate::devices) async fn find_answering_key(
    store: &Store,
    device: &DeviceId,
    user: &UserId,
    name: Option<String>,
) -> Result<Option<(Device, PublicJwk)>, StoreError> {
    let (device, user) = (device.clone(), user.clone());
    let found = store
        .read(move |connection| {
            let (device, user) = (device.as_str(), user.as_str());
            let enrolled = queries::find_enrolment(connection, device, user)?.is_some();
            let Some(row) = queries::find_device(connection, device)?.filter(|_| enrolled) else {
                return Ok(None);
            };
            let key = match name {
                None => Some(row.public_key.clone()),
                Some(name) => queries::find_authenticator(connection, device, user, &name)?
                    .map(|found| found.public_key),
            };
            Ok(key.map(|key| (row, key)))
        })
        .await?;
    found
        .map(|(row, key)| Ok((Device::try_from(row)?, public_key(&key)?)))
        .transpose()
}

/// The key of an authenticator.
pub(in crate::devices) async fn find_authenticator_key(
    store: &Store,
    device: &DeviceId,
    user: &UserId,
    name: &AuthenticatorName,
) -> Result<Option<PublicJwk>, StoreError> {
    let (device, user, name) = (device.clone(), user.clone(), name.to_string());
    let find = move |connection: &mut Connection| {
        queries::find_authenticator(connection, device.as_str(), user.as_str(), &name)
    };
    store
        .read(find)
        .await?
        .map(|row| public_key(&row.public_key))
        .transpose()
}

/// Sets a further key of a user who is enrolled, and ends the refresh tokens that belong to the
/// authenticator. Failed tries stay; where it is this key already, all does.
pub(in crate::devices) async fn set_authenticator(
    store: &Store,
    row: AuthenticatorRow,
    event: EventRow,
) -> Result<(), EnrolmentError> {
    store
        .write(move |connection| {
            let AuthenticatorRow {
                device_id,
                user_id,
                name,
                public_key,
                ..
            } = &row;
            if queries::find_enrolment(connection, device_id, user_id)?.is_none() {
                return Err(refuse(EnrolmentRefusal::KeysNotEnrolled));
            }
            let present = queries::find_authenticator(connection, device_id, user_id, name)?;
            if present.is_some_and(|present| present.public_key == *public_key) {
                return Ok(());
            }
            // Also where there was none: a token that was being bound while the last one was
            // removed.
            tokens::delete_refresh_tokens_of_authenticator(connection, device_id, user_id, name)?;
            queries::set_authenticator(connection, &row)?;
            Ok(events::insert_event(connection, &event)?)
        })
        .await
}

/// Puts a key in the place of this one and forgets failed tries; `false` when another has taken its
/// place.
pub(in crate::devices) async fn change_authenticator(
    store: &Store,
    row: AuthenticatorRow,
    present: PublicJwk,
    event: EventRow,
) -> Result<bool, StoreError> {
    store
        .write(move |connection| {
            let changed = queries::change_authenticator(connection, &row, &present.to_json())?;
            if changed {
                events::insert_event(connection, &event)?;
            }
            Ok(changed)
        })
        .await
}

/// Counts a try, if there is one left, and uses up what came with it.
pub(in crate::devices) async fn begin_try(
    store: &Store,
    attempt: AuthenticatorTry,
    assertions: Vec<AssertionIdRow>,
) -> Result<Outcome, StoreError> {
    let guard = Guard::AuthenticatorTry(Box::new(attempt));
    store
        .commit(Entry {
            assertions,
            guard,
            ..Entry::default()
        })
        .await
}

/// The tries of an authenticator without a success since; `None` where it is not enrolled (any
/// more).
pub(in crate::devices) async fn find_failures(
    store: &Store,
    device: &DeviceId,
    user: &UserId,
    name: &AuthenticatorName,
) -> Result<Option<i32>, StoreError> {
    let (device, user, name) = (device.clone(), user.clone(), name.to_string());
    let find = move |connection: &mut Connection| {
        queries::find_authenticator(connection, device.as_str(), user.as_str(), &name)
    };
    Ok(store.read(find).await?.map(|row| row.failures))
}

/// Removes a further key, and the refresh tokens that belong to it; `false` when there is none.
pub(in crate::devices) async fn delete_authenticator(
    store: &Store,
    device: &DeviceId,
    user: &UserId,
    name: String,
    event: EventRow,
) -> Result<bool, StoreError> {
    let (device, user) = (device.clone(), user.clone());
    store
        .write(move |connection| {
            tokens::delete_refresh_tokens_of_authenticator(
                connection,
                device.as_str(),
                user.as_str(),
                &name,
            )?;
            let found =
                queries::delete_authenticator(connection, device.as_str(), user.as_str(), &name)?;
            if found {
                events::insert_event(connection, &event)?;
            }
            Ok(found)
        })
        .await
}
