//! Push addresses and push enrolments in the database.

use crate::clock::Timestamp;
use crate::devices::enrolment::EnrolmentRefusal;
use crate::devices::error::EnrolmentError;
use crate::devices::persist::{change_of_user, refuse};
use crate::devices::types::Device;
use crate::ids::{DeviceId, UserId};
use crate::store::queries::{devices as queries, events};
use crate::store::rows::{EventRow, PushAddressRow, PushEnrolmentRow, PushTargetRow};
use crate::store::{Batched, Store, StoreError};

/// The devices on which users can be prompted, read with many others'.
pub(in crate::devices) type PushTargets = Batched<String, Vec<PushTargetRow>>;

/// A user has at most one push enrolment for each application and slot. All use this slot, so each
/// user is prompted on one device per application.
const SINGLE_DEVICE_SLOT: &str = "";

/// Enrols a user for push on a device, at this address. The unique constraints decide whether
/// address and user are free.
pub(super) async fn enrol(
    store: &Store,
    device: &Device,
    user: &UserId,
    address: PushAddressRow,
    event: EventRow,
) -> Result<(), EnrolmentError> {
    let enrolment = PushEnrolmentRow {
        device_id: device.id.to_string(),
        user_id: user.to_string(),
        application_id: device.application_id.to_string(),
        slot: SINGLE_DEVICE_SLOT.to_owned(),
        created_at: address.registered_at,
    };

    store
        .write(move |connection| {
            let (device, user) = (&enrolment.device_id, &enrolment.user_id);
            if queries::find_enrolment(connection, device, user)?.is_none() {
                return Err(refuse(EnrolmentRefusal::KeysNotEnrolled));
            }

            let enrolled = queries::find_push_enrolment(connection, device, user)?.is_some();
            // The slot is taken: the user is asked on another device of this application.
            if !enrolled && !queries::insert_push_enrolment(connection, &enrolment)? {
                return Err(refuse(EnrolmentRefusal::AlreadyEnrolled));
            }

            if !queries::replace_push_address(connection, &address)? {
                return Err(refuse(EnrolmentRefusal::PushTokenInUse));
            }

            Ok(events::insert_event(connection, &event)?)
        })
        .await
}

/// Ends a user's push enrolment on a device; `false` when there is none.
pub(super) async fn delete_enrolment(
    store: &Store,
    device: &DeviceId,
    user: &UserId,
    event: EventRow,
) -> Result<bool, StoreError> {
    change_of_user(store, (device, user), event, |connection, device, user| {
        let found = queries::delete_push_enrolment(connection, device, user)?;
        queries::delete_unused_push_address(connection, device)?;
        Ok(found)
    })
    .await
}

/// Replaces the address of a device that has one for the same transport.
pub(super) async fn replace_address(
    store: &Store,
    address: PushAddressRow,
    event: EventRow,
) -> Result<(), EnrolmentError> {
    store
        .write(move |connection| {
            let present = queries::find_push_address(connection, &address.device_id)?;
            // Decided on an address that was read before: the device may have enrolled anew since.
            if present.is_none_or(|row| row.transport != address.transport) {
                return Err(refuse(EnrolmentRefusal::PushNotEnrolled));
            }

            if !queries::replace_push_address(connection, &address)? {
                return Err(refuse(EnrolmentRefusal::PushTokenInUse));
            }

            Ok(events::insert_event(connection, &event)?)
        })
        .await
}

/// Finds a device and where its pushes go.
pub(super) async fn find_address(
    store: &Store,
    id: &DeviceId,
) -> Result<Option<(Device, PushAddressRow)>, StoreError> {
    let id = id.clone();
    let found = store
        .read(move |connection| {
            let device = queries::find_device(connection, id.as_str())?;
            Ok(device.zip(queries::find_push_address(connection, id.as_str())?))
        })
        .await?;

    found
        .map(|(device, address)| Ok((device.try_into()?, address)))
        .transpose()
}

/// Marks an address as dead if it was registered before `since`; `false` when it was registered
/// later or is dead already.
pub(super) async fn mark_address_dead(
    store: &Store,
    id: &DeviceId,
    since: Timestamp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let id = id.clone();
    let (since, now) = (since.as_millis(), now.as_millis());

    store
        .write(move |connection| {
            let marked = queries::mark_push_address_dead(connection, id.as_str(), since, now)?;
            Ok(marked)
        })
        .await
}

/// Reads that share queries.
pub(in crate::devices) fn push_targets(store: &Store) -> PushTargets {
    Batched::new(store.clone(), queries::find_push_targets)
}
