//! Devices by id, and their registrations.

use crate::clock::Timestamp;
use crate::devices::error::{DeviceError, RegistrationError};
use crate::devices::metadata::RegistrationRefusal;
use crate::devices::types::Device;
use crate::ids::{DeviceId, UserId};
use crate::secret::TokenHash;
use crate::store::queries::{
    authorizations, devices as queries, events, registrations, tokens, users,
};
use crate::store::rows::{DeviceRow, EventRow};
use crate::store::{Batched, Connection, CorruptRow, Store, StoreError, WriteError};

/// The most users of one device that are listed.
const LISTED_USERS_MAX: i64 = 1_000;

/// Reads devices by id, many at once.
pub(in crate::devices) type DevicesById = Batched<String, DeviceRow>;

pub(in crate::devices) fn devices_by_id(store: &Store) -> DevicesById {
    Batched::new(store.clone(), queries::find_devices)
}

/// How many devices may register.
#[derive(Clone, Copy, Debug)]
pub(in crate::devices) struct Quotas {
    /// A keyed hash of the address that the request comes from.
    pub(in crate::devices) source: TokenHash,
    pub(in crate::devices) of_source_max: i64,
    pub(in crate::devices) of_all_max: i64,
    pub(in crate::devices) now: Timestamp,
}

/// A device that registers.
pub(in crate::devices) struct NewRegistration {
    pub(in crate::devices) row: DeviceRow,
    pub(in crate::devices) event: EventRow,
    pub(in crate::devices) quotas: Quotas,
}

/// Stands for all sources together.
const ALL: &[u8] = &[];

/// Adds a device, unless too many have registered. Those that were refused do not count.
pub(in crate::devices) async fn insert_device(
    store: &Store,
    registration: NewRegistration,
) -> Result<(), RegistrationError> {
    store
        .write(move |connection| {
            let NewRegistration { row, event, quotas } = registration;
            let Quotas { source, now, .. } = quotas;

            let of_source = registrations::count_registration(connection, &source, now)?;
            queries::insert_device(connection, &row)?;
            events::insert_event(connection, &event)?;
            // Last: others wait for this row until the transaction is over.
            let of_all = registrations::count_registration(connection, ALL, now)?;

            if of_source > quotas.of_source_max || of_all > quotas.of_all_max {
                let refusal = RegistrationRefusal::TooMany;
                return Err(WriteError::Refused(DeviceError::Refused(refusal)));
            }

            Ok(())
        })
        .await
}

/// Finds a device and the hash of its registration access token.
pub(in crate::devices) async fn find_device(
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
pub(in crate::devices) async fn update_device(
    store: &Store,
    row: DeviceRow,
    event: EventRow,
) -> Result<bool, StoreError> {
    store
        .write_audited(event, move |connection| {
            queries::update_device(connection, &row)
        })
        .await
}

/// Removes a device with everything that was issued to it; `false` when it is gone.
pub(in crate::devices) async fn delete_device(
    store: &Store,
    id: &DeviceId,
    event: EventRow,
) -> Result<bool, StoreError> {
    let id = id.clone();

    store
        .write_audited(event, move |connection| {
            // Codes first: one that is being exchanged has become a grant by the time that those
            // are deleted.
            authorizations::delete_authorizations_of_client(connection, id.as_str())?;
            tokens::delete_grants_of_client(connection, id.as_str())?;
            tokens::delete_own_tokens_of_device(connection, id.as_str())?;
            queries::delete_device(connection, id.as_str())
        })
        .await
}

/// Lists the users of a device.
pub(in crate::devices) async fn list_users(
    store: &Store,
    id: &DeviceId,
) -> Result<Vec<UserId>, StoreError> {
    let device = id.clone();
    let list = move |connection: &mut Connection| {
        users::list_users_of_device(connection, device.as_str(), LISTED_USERS_MAX)
    };
    let users = store.read(list).await?;

    users
        .into_iter()
        .map(|user| {
            user.try_into()
                .map_err(|_| CorruptRow::new("enrolments", id.as_str()).into())
        })
        .collect()
}
