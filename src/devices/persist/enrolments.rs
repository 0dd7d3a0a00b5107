//! Users on devices: their keys, their profiles, and how all of it ends.

use crate::clock::Timestamp;
use crate::devices::enrolment::{EnrolmentRefusal, KeyEnrolment, decide_keys};
use crate::devices::error::{DeviceError, EnrolmentError};
use crate::devices::types::{Enrolment, EnrolmentState};
use crate::ids::{DeviceId, ProfileId, UserId};
use crate::jose::PublicJwk;
use crate::random::SharedRandom;
use crate::settings::MobileAuthentication;
use crate::store::queries::{authorizations, devices as queries, events, tokens};
use crate::store::rows::{EnrolmentRow, EventRow, PushAddressRow};
use crate::store::{Connection, QueryResult, Store, StoreError, WriteError};

use super::rows::transport;

/// The most authenticators of one user that are listed: far more than anybody has.
const LISTED_MAX: i64 = 100;
const PROFILE_ATTEMPTS_MAX: usize = 8;

/// Ends a write: the rules do not allow it.
pub(in crate::devices) fn refuse<R>(refusal: R) -> WriteError<DeviceError<R>> {
    WriteError::Refused(DeviceError::Refused(refusal))
}

/// The keys that a user wants to enrol.
pub(in crate::devices) struct KeysToEnrol {
    pub(in crate::devices) device: DeviceId,
    pub(in crate::devices) user: UserId,
    pub(in crate::devices) key: PublicJwk,
    pub(in crate::devices) now: Timestamp,
    pub(in crate::devices) event: EventRow,
}

/// Enrols a user's key on a device, if the rules allow it.
pub(in crate::devices) async fn enrol(
    store: &Store,
    keys: KeysToEnrol,
    rules: MobileAuthentication,
    random: SharedRandom,
) -> Result<ProfileId, EnrolmentError> {
    store
        .write(move |connection| {
            let (device, user) = (keys.device.as_str(), keys.user.as_str());
            let present = queries::find_enrolment(connection, device, user)?;
            // On the row that this transaction replaces, not on one that was read before.
            let decision = decide_keys(&rules, present.is_some()).map_err(refuse)?;

            // Who replaces their keys keeps the profile.
            let profile = match (decision, present) {
                (KeyEnrolment::Override, Some(row)) => {
                    remove_enrolment(connection, device, user)?;
                    Enrolment::try_from(row)
                        .map_err(|error| WriteError::Refused(error.into()))?
                        .profile_id
                }
                (KeyEnrolment::New | KeyEnrolment::Override, _) => {
                    free_profile(connection, device, &random)?
                }
            };

            let row = EnrolmentRow {
                device_id: device.to_owned(),
                user_id: user.to_owned(),
                profile_id: profile.to_string(),
                public_key: keys.key.to_json(),
                created_at: keys.now.as_millis(),
            };

            // Another request has enrolled the user since the row was looked for.
            if !queries::insert_enrolment(connection, &row)? {
                return Err(refuse(EnrolmentRefusal::AlreadyEnrolled));
            }

            events::insert_event(connection, &keys.event)?;

            Ok(profile)
        })
        .await
}

/// Finds a profile id that is free on the device. Should every attempt hit a taken one, the unique
/// constraint refuses the last.
fn free_profile(
    connection: &mut Connection,
    device: &str,
    random: &SharedRandom,
) -> QueryResult<ProfileId> {
    let mut profile = ProfileId::new(random.as_ref());
    for _ in 0..PROFILE_ATTEMPTS_MAX {
        if queries::find_enrolment_by_profile(connection, device, profile.as_str())?.is_none() {
            break;
        }
        profile = ProfileId::new(random.as_ref());
    }

    Ok(profile)
}

fn remove_enrolment(connection: &mut Connection, device: &str, user: &str) -> QueryResult<bool> {
    let found = queries::delete_enrolment(connection, device, user)?;
    // The address stays while other users of the device are asked there.
    queries::delete_unused_push_address(connection, device)?;
    Ok(found)
}

/// Changes what a user has on a device, and writes the event if that changed something. Returns
/// whether it did. `change` gets the ids of device and user.
pub(in crate::devices) async fn change_of_user(
    store: &Store,
    (device, user): (&DeviceId, &UserId),
    event: EventRow,
    change: impl FnOnce(&mut Connection, &str, &str) -> QueryResult<bool> + Send + 'static,
) -> Result<bool, StoreError> {
    let (device, user) = (device.clone(), user.clone());

    store
        .write_audited(event, move |connection| {
            change(connection, device.as_str(), user.as_str())
        })
        .await
}

/// Ends a user's enrolment on a device; `false` when there is none.
pub(in crate::devices) async fn end_enrolment(
    store: &Store,
    device: &DeviceId,
    user: &UserId,
    event: EventRow,
) -> Result<bool, StoreError> {
    change_of_user(store, (device, user), event, remove_enrolment).await
}

/// Ends everything a user has on a device; `false` when there is nothing.
pub(in crate::devices) async fn disconnect(
    store: &Store,
    device: &DeviceId,
    user: &UserId,
    event: EventRow,
) -> Result<bool, StoreError> {
    change_of_user(store, (device, user), event, |connection, device, user| {
        // Authorizations come first: a code that is being exchanged at this moment has become a
        // grant by the time grants are deleted.
        authorizations::delete_authorizations_of_user_at_client(connection, user, device)?;
        let grants = tokens::delete_grants_of_user_at_client(connection, user, device)?;
        let enrolled = remove_enrolment(connection, device, user)?;
        Ok(enrolled || grants > 0)
    })
    .await
}

/// Finds a user on a device.
pub(in crate::devices) async fn find_enrolment(
    store: &Store,
    device: &DeviceId,
    user: &UserId,
) -> Result<Option<Enrolment>, StoreError> {
    let (device, user) = (device.clone(), user.clone());
    let row = store
        .read(move |connection| queries::find_enrolment(connection, device.as_str(), user.as_str()))
        .await?;

    row.map(Enrolment::try_from).transpose()
}

/// Finds a user on a device, by profile.
pub(in crate::devices) async fn find_enrolment_by_profile(
    store: &Store,
    device: &DeviceId,
    profile: ProfileId,
) -> Result<Option<Enrolment>, StoreError> {
    let device = device.clone();
    let find = move |connection: &mut Connection| {
        queries::find_enrolment_by_profile(connection, device.as_str(), profile.as_str())
    };

    store.read(find).await?.map(Enrolment::try_from).transpose()
}

/// Finds everything a user has enrolled on a device.
pub(in crate::devices) async fn find_enrolment_state(
    store: &Store,
    device: &DeviceId,
    user: &UserId,
) -> Result<Option<EnrolmentState>, StoreError> {
    let (device, user) = (device.clone(), user.clone());
    let found = store
        .read(move |connection| load_enrolment_state(connection, device.as_str(), user.as_str()))
        .await?;
    let Some((enrolment, authenticators, push)) = found else {
        return Ok(None);
    };

    Ok(Some(EnrolmentState {
        enrolment: enrolment.try_into()?,
        authenticators,
        push: push
            .map(|row| transport(&row.transport, &row.device_id))
            .transpose()?,
    }))
}

type EnrolmentStateRows = (EnrolmentRow, Vec<String>, Option<PushAddressRow>);

fn load_enrolment_state(
    connection: &mut Connection,
    device: &str,
    user: &str,
) -> QueryResult<Option<EnrolmentStateRows>> {
    let Some(enrolment) = queries::find_enrolment(connection, device, user)? else {
        return Ok(None);
    };

    let authenticators = queries::list_authenticator_names(connection, device, user, LISTED_MAX)?;

    // The address belongs to the device; whether this user is prompted there is another row.
    let push = match queries::find_push_enrolment(connection, device, user)? {
        Some(_) => queries::find_push_address(connection, device)?,
        None => None,
    };
    Ok(Some((enrolment, authenticators, push)))
}
