//! Devices in the database. Each change and its event are one database transaction.

mod authenticators;

pub(super) use authenticators::{
    begin_try, change_authenticator, delete_authenticator, find_answering_key,
    find_authenticator_key, find_failures, set_authenticator,
};

use super::enrolment::{EnrolmentRefusal, KeyEnrolment, decide_keys};
use super::{Device, DeviceError, Enrolment, EnrolmentError, EnrolmentState, Transport};
use crate::clock::Timestamp;
use crate::ids::{DeviceId, ProfileId, UserId};
use crate::jose::PublicJwk;
use crate::random::SharedRandom;
use crate::settings::{MobileAuthentication, Platform};
use crate::store::queries::{authorizations, devices as queries, events, tokens, users};
use crate::store::rows::{DeviceRow, EnrolmentRow, EventRow, PushAddressRow};
use crate::store::{Batched, Connection, Store, StoreError, WriteError};

/// The most authenticators shown: far above what people have.
const LISTED_MAX: i64 = 100;
/// The most users of an installation shown.
const LISTED_USERS_MAX: i64 = 1_000;
const PROFILE_TRIES_MAX: usize = 8;

pub(super) fn refuse<R>(refusal: R) -> WriteError<DeviceError<R>> {
    WriteError::Refused(DeviceError::Refused(refusal))
}

pub(super) fn corrupt(what: &str) -> StoreError {
    StoreError::Query(format!("{what} holds what this program did not write"))
}

/// Installations by id.
pub(super) type DevicesById = Batched<String, DeviceRow>;

pub(super) fn devices_by_id(store: &Store) -> DevicesById {
    Batched::new(store.clone(), queries::find_devices)
}

/// Adds an installation.
pub(super) async fn insert_device(
    store: &Store,
    row: DeviceRow,
    event: EventRow,
) -> Result<(), StoreError> {
    store
        .write(move |connection| {
            queries::insert_device(connection, &row)?;
            Ok(events::insert_event(connection, &event)?)
        })
        .await
}

/// An installation and the hash of its registration access token.
pub(super) async fn find_device(
    store: &Store,
    id: &DeviceId,
) -> Result<Option<(Device, Vec<u8>)>, StoreError> {
    let id = id.clone();
    let row = store
        .read(move |connection| queries::find_device(connection, id.as_str()))
        .await?;
    row.map(|row| {
        let token_hash = row.registration_token_hash.clone();
        Ok((Device::try_from(row)?, token_hash))
    })
    .transpose()
}

/// Changes a registration; `false` when it is gone.
pub(super) async fn update_device(
    store: &Store,
    row: DeviceRow,
    event: EventRow,
) -> Result<bool, StoreError> {
    store
        .write(move |connection| {
            let found = queries::update_device(connection, &row)?;
            if found {
                events::insert_event(connection, &event)?;
            }
            Ok(found)
        })
        .await
}

/// Removes an installation with everything that was issued to it.
pub(super) async fn delete_device(
    store: &Store,
    id: &DeviceId,
    event: EventRow,
) -> Result<bool, StoreError> {
    let id = id.clone();
    store
        .write(move |connection| {
            authorizations::delete_authorizations_of_client(connection, id.as_str())?;
            tokens::delete_grants_of_client(connection, id.as_str())?;
            tokens::delete_own_tokens_of_installation(connection, id.as_str())?;
            let found = queries::delete_device(connection, id.as_str())?;
            if found {
                events::insert_event(connection, &event)?;
            }
            Ok(found)
        })
        .await
}

/// The users on an installation.
pub(super) async fn list_users(store: &Store, id: &DeviceId) -> Result<Vec<UserId>, StoreError> {
    let id = id.clone();
    let list = move |connection: &mut Connection| {
        users::list_users_of_device(connection, id.as_str(), LISTED_USERS_MAX)
    };
    let users = store.read(list).await?;
    users
        .into_iter()
        .map(|user| user.try_into().map_err(|_| corrupt("a user id")))
        .collect()
}

/// A user's wish to enrol keys.
pub(super) struct KeysToEnrol {
    pub(super) device: DeviceId,
    pub(super) user: UserId,
    pub(super) key: PublicJwk,
    pub(super) now: Timestamp,
    pub(super) event: EventRow,
}

/// Enrols a user's key on a device, if the rules let it.
pub(super) async fn enrol(
    store: &Store,
    wish: KeysToEnrol,
    rules: MobileAuthentication,
    random: SharedRandom,
) -> Result<ProfileId, EnrolmentError> {
    store
        .write(move |connection| {
            let (device, user) = (wish.device.as_str(), wish.user.as_str());
            let present = queries::find_enrolment(connection, device, user)?;
            let decision = decide_keys(&rules, present.is_some()).map_err(refuse)?;
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
                public_key: wish.key.to_json(),
                created_at: wish.now.as_millis(),
            };
            if !queries::insert_enrolment(connection, &row)? {
                return Err(refuse(EnrolmentRefusal::AlreadyEnrolled));
            }
            events::insert_event(connection, &wish.event)?;
            Ok(profile)
        })
        .await
}

/// A profile id nobody has on the device. If one comes up in all tries, the unique constraint
/// refuses it.
fn free_profile(
    connection: &mut Connection,
    device: &str,
    random: &SharedRandom,
) -> Result<ProfileId, WriteError<EnrolmentError>> {
    let mut profile = ProfileId::new(random.as_ref());
    for _ in 0..PROFILE_TRIES_MAX {
        if queries::find_enrolment_by_profile(connection, device, profile.as_str())?.is_none() {
            break;
        }
        profile = ProfileId::new(random.as_ref());
    }
    Ok(profile)
}

fn remove_enrolment<E>(
    connection: &mut Connection,
    device: &str,
    user: &str,
) -> Result<bool, WriteError<E>> {
    let found = queries::delete_enrolment(connection, device, user)?;
    queries::delete_unused_push_address(connection, device)?;
    Ok(found)
}

/// Ends a user's enrolment on a device; `false` when there is none.
pub(super) async fn end_enrolment(
    store: &Store,
    device: &DeviceId,
    user: &UserId,
    event: EventRow,
) -> Result<bool, StoreError> {
    let (device, user) = (device.clone(), user.clone());
    store
        .write(move |connection| {
            let found = remove_enrolment(connection, device.as_str(), user.as_str())?;
            if found {
                events::insert_event(connection, &event)?;
            }
            Ok(found)
        })
        .await
}

/// A user on a device.
pub(super) async fn find_enrolment(
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

/// A user on a device, by profile.
pub(super) async fn find_enrolment_by_profile(
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

/// All that is enrolled for a user on a device.
pub(super) async fn find_enrolment_state(
    store: &Store,
    device: &DeviceId,
    user: &UserId,
) -> Result<Option<EnrolmentState>, StoreError> {
    let (device, user) = (device.clone(), user.clone());
    let found = store
        .read(move |connection| {
            let (device, user) = (device.as_str(), user.as_str());
            let Some(enrolment) = queries::find_enrolment(connection, device, user)? else {
                return Ok(None);
            };
            let authenticators =
                queries::list_authenticator_names(connection, device, user, LISTED_MAX)?;
            let push = match queries::find_push_enrolment(connection, device, user)? {
                Some(_) => queries::find_push_address(connection, device)?,
                None => None,
            };
            Ok(Some((enrolment, authenticators, push)))
        })
        .await?;
    let Some((enrolment, authenticators, push)) = found else {
        return Ok(None);
    };
    let push = push.map(|row| transport(&row)).transpose()?;
    Ok(Some(EnrolmentState {
        enrolment: enrolment.try_into()?,
        authenticators,
        push,
    }))
}

/// Ends everything a user has on a device; `false` when there is nothing.
pub(super) async fn disconnect(
    store: &Store,
    device: &DeviceId,
    user: &UserId,
    event: EventRow,
) -> Result<bool, StoreError> {
    let (device, user) = (device.clone(), user.clone());
    store
        .write(move |connection| {
            let (device, user) = (device.as_str(), user.as_str());
            // What is on its way first: a code that is being exchanged has become a grant when this
            // is through.
            authorizations::delete_authorizations_of_user_at_client(connection, user, device)?;
            let grants = tokens::delete_grants_of_user_at_client(connection, user, device)?;
            let enrolled = remove_enrolment(connection, device, user)?;
            let found = enrolled || grants > 0;
            if found {
                events::insert_event(connection, &event)?;
            }
            Ok(found)
        })
        .await
}

impl TryFrom<DeviceRow> for Device {
    type Error = StoreError;

    fn try_from(row: DeviceRow) -> Result<Self, StoreError> {
        let unreadable = |_| corrupt("a device");
        Ok(Self {
            id: row.id.try_into().map_err(unreadable)?,
            application_id: row.application_id.try_into().map_err(unreadable)?,
            application_version: row.application_version,
            platform: Platform::from_name(&row.platform).ok_or_else(|| corrupt("a device"))?,
            name: row.name,
            model: row.model,
            os_version: row.os_version,
            public_key: public_key(&row.public_key)?,
            created_at: Timestamp::from_millis(row.created_at),
            updated_at: Timestamp::from_millis(row.updated_at),
        })
    }
}

impl Device {
    /// The row of this device.
    pub(super) fn to_row(&self, registration_token_hash: &[u8]) -> DeviceRow {
        DeviceRow {
            id: self.id.to_string(),
            application_id: self.application_id.to_string(),
            application_version: self.application_version.clone(),
            platform: self.platform.as_str().to_owned(),
            name: self.name.clone(),
            model: self.model.clone(),
            os_version: self.os_version.clone(),
            public_key: self.public_key.to_json(),
            registration_token_hash: registration_token_hash.to_vec(),
            created_at: self.created_at.as_millis(),
            updated_at: self.updated_at.as_millis(),
        }
    }
}

impl TryFrom<EnrolmentRow> for Enrolment {
    type Error = StoreError;

    fn try_from(row: EnrolmentRow) -> Result<Self, StoreError> {
        let unreadable = |_| corrupt("an enrolment");
        Ok(Self {
            user_id: row.user_id.try_into().map_err(unreadable)?,
            profile_id: row.profile_id.try_into().map_err(unreadable)?,
            public_key: public_key(&row.public_key)?,
            created_at: Timestamp::from_millis(row.created_at),
        })
    }
}

/// How an installation is reached, as stored.
pub(super) fn transport(row: &PushAddressRow) -> Result<Transport, StoreError> {
    Transport::from_name(&row.transport).ok_or_else(|| corrupt("a push address"))
}

fn public_key(json: &str) -> Result<PublicJwk, StoreError> {
    PublicJwk::from_json(json).map_err(|_| corrupt("a key"))
}
