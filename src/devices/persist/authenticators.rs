//! Authenticators: their keys, and the attempts that are counted against them.

use crate::devices::authenticators::AuthenticatorName;
use crate::devices::enrolment::EnrolmentRefusal;
use crate::devices::error::EnrolmentError;
use crate::devices::types::Device;
use crate::ids::{DeviceId, UserId};
use crate::jose::PublicJwk;
use crate::store::journal::{AuthenticatorTry, Entry, Guard, Outcome};
use crate::store::queries::{devices as queries, events, tokens};
use crate::store::rows::{AssertionIdRow, AuthenticatorRow, EventRow};
use crate::store::{Connection, CorruptRow, QueryResult, Store, StoreError};

use super::enrolments::{change_of_user, refuse};

/// Finds the key that verifies an answer by this authenticator, and the device. `None` for `name`
/// is the device's own key.
pub(in crate::devices) async fn find_answering_key(
    store: &Store,
    device: &DeviceId,
    user: &UserId,
    name: String,
) -> Result<Option<(Device, PublicJwk)>, StoreError> {
    let (device, user) = (device.clone(), user.clone());
    let found = store
        .read(move |connection| {
            let (device, user) = (device.as_str(), user.as_str());
            let row = queries::find_device(connection, device)?;
            Ok(row.zip(queries::find_authenticator(
                connection, device, user, &name,
            )?))
        })
        .await?;

    found
        .map(|(device, authenticator)| Ok((device.try_into()?, public_key(&authenticator)?)))
        .transpose()
}

/// Finds the key of an authenticator.
pub(in crate::devices) async fn find_authenticator_key(
    store: &Store,
    device: &DeviceId,
    user: &UserId,
    name: &AuthenticatorName,
) -> Result<Option<PublicJwk>, StoreError> {
    let row = store.read(by_name(device, user, name)).await?;
    row.map(|row| public_key(&row)).transpose()
}

/// Finds how many attempts in a row have failed; `None` where the authenticator is not enrolled, or
/// no longer.
pub(in crate::devices) async fn find_failures(
    store: &Store,
    device: &DeviceId,
    user: &UserId,
    name: &AuthenticatorName,
) -> Result<Option<i32>, StoreError> {
    let row = store.read(by_name(device, user, name)).await?;
    Ok(row.map(|row| row.failures))
}

/// The query for an authenticator.
fn by_name(
    device: &DeviceId,
    user: &UserId,
    name: &AuthenticatorName,
) -> impl FnOnce(&mut Connection) -> QueryResult<Option<AuthenticatorRow>> + Send + 'static {
    let (device, user, name) = (device.clone(), user.clone(), name.to_string());

    move |connection| queries::find_authenticator(connection, device.as_str(), user.as_str(), &name)
}

/// Sets the key of an authenticator of an enrolled user, and ends the refresh tokens that belong to
/// the authenticator. Failed attempts stay counted. The same key again changes nothing.
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

            // Even where there was no key: a refresh token may have been bound while the last one
            // was being removed.
            tokens::delete_refresh_tokens_of_authenticator(connection, device_id, user_id, name)?;
            queries::set_authenticator(connection, &row)?;

            Ok(events::insert_event(connection, &event)?)
        })
        .await
}

/// Replaces the key `present` and forgets failed attempts; `false` when that key is no longer
/// there.
pub(in crate::devices) async fn change_authenticator(
    store: &Store,
    row: AuthenticatorRow,
    present: PublicJwk,
    event: EventRow,
) -> Result<bool, StoreError> {
    store
        .write_audited(event, move |connection| {
            // Only while the key that has signed is still the enrolled one: of two changes at once,
            // the second was proven with a key that is gone.
            queries::change_authenticator(connection, &row, &present.to_json())
        })
        .await
}

/// Counts an attempt, if one is left, and uses up the assertions that came with it.
pub(in crate::devices) async fn begin_try(
    store: &Store,
    attempt: AuthenticatorTry,
    assertions: Vec<AssertionIdRow>,
) -> Result<Outcome, StoreError> {
    store
        .commit(Entry {
            assertions,
            guard: Some(Guard::from(attempt)),
            ..Entry::default()
        })
        .await
}

/// Removes an authenticator and the refresh tokens that belong to it; `false` when there is none.
pub(in crate::devices) async fn delete_authenticator(
    store: &Store,
    device: &DeviceId,
    user: &UserId,
    name: String,
    event: EventRow,
) -> Result<bool, StoreError> {
    let delete = move |connection: &mut Connection, device: &str, user: &str| {
        tokens::delete_refresh_tokens_of_authenticator(connection, device, user, &name)?;
        queries::delete_authenticator(connection, device, user, &name)
    };

    change_of_user(store, (device, user), event, delete).await
}

fn public_key(row: &AuthenticatorRow) -> Result<PublicJwk, StoreError> {
    PublicJwk::from_json(&row.public_key)
        .map_err(|_| CorruptRow::new("authenticators", &row.device_id).into())
}
