//! Push enrolment in single-device mode: a user is asked on one device of each application.
//!
//! The address belongs to the device, and its users share it. It is stored sealed, and hashed, so
//! that no two devices have the same one.

pub(super) mod persist;

use std::sync::Arc;
use std::time::Duration;

use super::enrolment::{self, EnrolmentRefusal};
use super::error::{DeviceError, EnrolmentError};
use super::facade::Devices;
use super::persist::transport;
use super::types::{Destination, PushTarget};
use crate::clock::Timestamp;
use crate::ids::{DeviceId, UserId};
use crate::push::{PushDestination, Transport};
use crate::secret::{Purpose, SecretString};
use crate::settings::{ApplicationVersion, Platform, Settings};
use crate::store::rows::{PushAddressRow, PushTargetRow};
use crate::store::{CorruptRow, StoreError};
use crate::users::events::EventType;

impl Devices {
    /// Enrols a user for push on a device. The same again replaces the address, which only
    /// [`Transport::Poll`] does not have.
    pub async fn enrol_push(
        &self,
        device: &DeviceId,
        user: &UserId,
        transport: Transport,
        address: Option<SecretString>,
    ) -> Result<(), EnrolmentError> {
        let Some(registered) = self.find(device).await? else {
            return Err(DeviceError::Refused(EnrolmentRefusal::KeysNotEnrolled));
        };

        let settings = self.0.base.settings.load();
        enrolment::decide_push(&settings, &registered, transport, address.as_ref())
            .map_err(DeviceError::Refused)?;

        let now = self.0.base.clock.now();
        let row = self.push_address_row(device, transport, address.as_ref(), now);
        let event = self.event(EventType::PushEnrollmentSuccess, device, Some(user), now);
        persist::enrol(&self.0.base.store, &registered, user, row, event).await
    }

    /// Ends a user's push enrolment on a device. Returns whether there was one.
    pub async fn remove_push(&self, device: &DeviceId, user: &UserId) -> Result<bool, StoreError> {
        let now = self.0.base.clock.now();
        let event = self.event(EventType::PushEnrollmentRemoved, device, Some(user), now);
        persist::delete_enrolment(&self.0.base.store, device, user, event).await
    }

    /// Replaces the address of a device that is reached by a push service, for all its users.
    pub async fn replace_push_token(
        &self,
        device: &DeviceId,
        address: SecretString,
    ) -> Result<(), EnrolmentError> {
        let not_enrolled = DeviceError::Refused(EnrolmentRefusal::PushNotEnrolled);
        let Some((_, row)) = persist::find_address(&self.0.base.store, device).await? else {
            return Err(not_enrolled);
        };
        let transport = Address::of(&row).transport()?;
        if transport == Transport::Poll {
            return Err(not_enrolled);
        }
        enrolment::decide_address(transport, Some(&address)).map_err(DeviceError::Refused)?;

        let now = self.0.base.clock.now();
        let row = self.push_address_row(device, transport, Some(&address), now);
        let event = self.event(EventType::PushEnrollmentUpdateSuccess, device, None, now);
        persist::replace_address(&self.0.base.store, row, event).await
    }

    /// The devices on which a user can be asked by push, oldest enrolment first. Leaves out devices
    /// whose version is disabled or whose address is dead.
    pub async fn push_targets(&self, user: &UserId) -> Result<Vec<PushTarget>, StoreError> {
        let rows = self.0.push_targets.find(user.to_string()).await?;
        let settings = self.0.base.settings.load();
        let target = |row| self.push_target(row, &settings).transpose();

        rows.unwrap_or_default()
            .into_iter()
            .filter_map(target)
            .collect()
    }

    /// `None` where the version is disabled.
    fn push_target(
        &self,
        row: PushTargetRow,
        settings: &Settings,
    ) -> Result<Option<PushTarget>, StoreError> {
        let address = Address {
            device: &row.device_id,
            transport: &row.transport,
            sealed: row.address.as_deref(),
            registered_at: row.registered_at,
        };
        let corrupt = || CorruptRow::new("devices", &row.device_id);
        let application_id = row.application_id.try_into().map_err(|_| corrupt())?;
        let platform = Platform::from_name(&row.platform).ok_or_else(corrupt)?;

        let version = settings.enabled_version(&application_id, platform, &row.application_version);
        if version.is_none() {
            return Ok(None);
        }

        let destination = self.destination(&address, version, settings)?;

        Ok(Some(PushTarget {
            transport: address.transport()?,
            destination,
            profile_id: row.profile_id.try_into().map_err(|_| corrupt())?,
            device_id: DeviceId::new(&row.device_id).map_err(|_| corrupt())?,
            device_name: row.device_name,
            platform,
            application_id,
            application_version: row.application_version,
        }))
    }

    /// Where a push for a device goes. `None` where the device has no address, a dead one, or no push
    /// configuration.
    pub async fn push_destination(&self, id: &DeviceId) -> Result<Option<Destination>, StoreError> {
        let Some((device, row)) = persist::find_address(&self.0.base.store, id).await? else {
            return Ok(None);
        };
        // The push service has said that nobody is there any more.
        if row.dead_since.is_some() {
            return Ok(None);
        }

        let settings = self.0.base.settings.load();
        self.destination(
            &Address::of(&row),
            device.enabled_version(&settings),
            &settings,
        )
    }

    /// `None` where nothing is configured that reaches the device.
    fn destination(
        &self,
        address: &Address<'_>,
        version: Option<&ApplicationVersion>,
        settings: &Settings,
    ) -> Result<Option<Destination>, StoreError> {
        let transport = address.transport()?;
        if transport == Transport::Poll {
            return Ok(Some(Destination::Poll));
        }

        let Some(configured) =
            version.and_then(|version| configured_destination(settings, version, transport))
        else {
            return Ok(None);
        };

        let destination = PushDestination {
            address: self.open_address(address)?,
            ..configured
        };

        Ok(Some(Destination::Push {
            destination,
            registered_at: Timestamp::from_millis(address.registered_at),
        }))
    }

    /// Marks a device's address as dead since `since`, or since now. Returns whether it was marked:
    /// a push service's report about a time before the address was registered is about an older
    /// address and changes nothing.
    pub async fn mark_address_dead(
        &self,
        id: &DeviceId,
        since: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        // An address that was registered at this very millisecond is meant, too.
        let since = since.unwrap_or_else(|| now.after(Duration::from_millis(1)));
        persist::mark_address_dead(&self.0.base.store, id, since, now).await
    }

    fn push_address_row(
        &self,
        device: &DeviceId,
        transport: Transport,
        address: Option<&SecretString>,
        now: Timestamp,
    ) -> PushAddressRow {
        let address = address.map(|address| address.expose().as_bytes());

        let seal = |plain: &[u8]| {
            self.0.base.keyring.seal(
                Purpose::PushAddress,
                device.as_str().as_bytes(),
                plain,
                self.0.base.random.as_ref(),
            )
        };

        PushAddressRow {
            device_id: device.to_string(),
            transport: transport.as_str().to_owned(),
            address: address.map(seal),
            // Sealed texts differ each time. Only a keyed hash lets the database see that two
            // addresses are the same.
            address_hash: address.map(|plain| {
                self.0
                    .base
                    .keyring
                    .hash(Purpose::PushAddress, plain)
                    .to_vec()
            }),
            registered_at: now.as_millis(),
            dead_since: None,
        }
    }

    fn open_address(&self, address: &Address<'_>) -> Result<SecretString, StoreError> {
        let sealed = address.sealed.unwrap_or_default();
        let context = address.device.as_bytes();
        let plain = self
            .0
            .base
            .keyring
            .open(Purpose::PushAddress, context, sealed);

        plain
            .ok()
            .and_then(|plain| String::from_utf8(plain.to_vec()).ok())
            .map(SecretString::new)
            .ok_or_else(|| CorruptRow::new("push_addresses", address.device).into())
    }
}

/// The configuration that reaches a device by this transport. The address is still empty.
fn configured_destination(
    settings: &Settings,
    version: &ApplicationVersion,
    transport: Transport,
) -> Option<PushDestination> {
    let configuration = settings
        .push_configurations
        .get(version.push_configuration.as_ref()?)?;

    // The configuration may be another service's since the device has enrolled.
    (transport == Transport::Service(configuration.service)).then(|| PushDestination {
        configuration: Arc::clone(configuration),
        environment: version.apns_environment,
        bundle_id: version.bundle_id.clone(),
        address: SecretString::default(),
    })
}

/// A device's address, as it is stored.
struct Address<'a> {
    device: &'a str,
    transport: &'a str,
    sealed: Option<&'a [u8]>,
    registered_at: i64,
}

impl<'a> Address<'a> {
    fn of(row: &'a PushAddressRow) -> Self {
        Self {
            device: &row.device_id,
            transport: &row.transport,
            sealed: row.address.as_deref(),
            registered_at: row.registered_at,
        }
    }

    fn transport(&self) -> Result<Transport, StoreError> {
        transport(self.transport, self.device)
    }
}
