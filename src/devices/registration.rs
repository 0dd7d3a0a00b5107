//! Registrations of devices (RFC 7591, RFC 7592): made, read, changed, removed.

use std::net::IpAddr;

use super::error::{DeviceError, RegistrationError};
use super::facade::Devices;
use super::metadata::{ClientMetadata, RegistrationRefusal, invalid};
use super::persist::{self, NewRegistration, Quotas};
use super::types::{Device, Registered};
use crate::clock::Timestamp;
use crate::ids::{DeviceId, UserId};
use crate::random;
use crate::secret::{OpaqueToken, SecretString, TokenKind, constant_time_eq, sha256};
use crate::settings::{Settings, VersionStatus};
use crate::store::StoreError;
use crate::users::events::EventType;

impl Devices {
    /// Registers a device. `source` is where the request comes from: anybody can register, so there is a
    /// quota for each source and for all together. Some applications ask for an initial access token.
    pub async fn register(
        &self,
        metadata: ClientMetadata,
        source: IpAddr,
        initial_access_token: Option<&SecretString>,
    ) -> Result<Registered, RegistrationError> {
        let settings = self.0.base.settings.load();
        admit(&settings, &metadata, initial_access_token).map_err(DeviceError::Refused)?;
        decide(&settings, &metadata, None).map_err(DeviceError::Refused)?;
        // Not across what is waited for.
        drop(settings);

        let now = self.0.base.clock.now();
        let device = Device {
            id: self.new_device_id()?,
            application_id: metadata.application_id,
            application_version: metadata.application_version,
            platform: metadata.platform,
            name: metadata.device_name,
            model: metadata.device_model,
            os_version: metadata.os_version,
            public_key: metadata.public_key,
            created_at: now,
            updated_at: now,
            unused_since: Some(now),
        };

        let random = self.0.base.random.as_ref();
        let token = OpaqueToken::new(&self.0.base.keyring, TokenKind::Registration, random);

        let event = self.event(EventType::DynamicRegSuccess, &device.id, None, now);
        let registration = NewRegistration {
            row: device.to_row(&token.hash),
            event,
            quotas: self.quotas(source, now),
        };
        persist::insert_device(&self.0.base.store, registration).await?;

        Ok(Registered {
            device,
            registration_access_token: token.text,
        })
    }

    fn quotas(&self, source: IpAddr, now: Timestamp) -> Quotas {
        let settings = self.0.base.settings.load();
        let rules = &settings.mobile_authentication;
        // Addresses are personal data: the hash is enough to count by.
        let keyring = &self.0.base.keyring;
        let source = keyring.token_hash(TokenKind::Source, &source.to_string());

        Quotas {
            source,
            of_source_max: rules.registrations_per_source_per_hour_max.into(),
            of_all_max: rules.registrations_per_hour_max.into(),
            now,
        }
    }

    /// Reads a registration for the holder of its access token.
    pub async fn read_registration(
        &self,
        id: &DeviceId,
        token: &str,
    ) -> Result<Device, RegistrationError> {
        let presented = self
            .0
            .base
            .keyring
            .token_hash(TokenKind::Registration, token);

        match persist::find_device(&self.0.base.store, id).await? {
            Some((device, hash)) if constant_time_eq(&hash, &presented) => Ok(device),
            found => {
                // Whoever asks has made the id up: it may look like another line.
                let (device_id, is_known) = (id.as_str(), found.is_some());
                tracing::info!(
                    ?device_id,
                    is_known,
                    "a registration access token was refused"
                );
                Err(DeviceError::Refused(RegistrationRefusal::InvalidToken))
            }
        }
    }

    /// Replaces what a device says about itself: a member that is left out is removed (RFC 7592
    /// §2.2). `client_id`, key and registration access token stay.
    pub async fn update_registration(
        &self,
        id: &DeviceId,
        token: &str,
        metadata: ClientMetadata,
    ) -> Result<Device, RegistrationError> {
        let registered = self.read_registration(id, token).await?;
        decide(&self.0.base.settings.load(), &metadata, Some(&registered))
            .map_err(DeviceError::Refused)?;

        let now = self.0.base.clock.now();
        let device = Device {
            application_version: metadata.application_version,
            name: metadata.device_name,
            model: metadata.device_model,
            os_version: metadata.os_version,
            updated_at: now,
            ..registered
        };

        let event = self.event(EventType::DynamicUpSuccess, id, None, now);

        // The hash of the registration access token is not among the columns that an update writes.
        if persist::update_device(&self.0.base.store, device.to_row(&[]), event).await? {
            Ok(device)
        } else {
            Err(DeviceError::Refused(RegistrationRefusal::InvalidToken))
        }
    }

    /// Removes a device with its enrolments and all its tokens, for the holder of its access token.
    pub async fn delete_registration(
        &self,
        id: &DeviceId,
        token: &str,
    ) -> Result<(), RegistrationError> {
        self.read_registration(id, token).await?;

        let event = self.event(
            EventType::DynamicRegDeleted,
            id,
            None,
            self.0.base.clock.now(),
        );

        persist::delete_device(&self.0.base.store, id, event).await?;

        Ok(())
    }

    /// Removes a device with its enrolments and all its tokens, for an administrator. A dry run
    /// changes nothing. Returns the users on the device, at most a thousand; `None` where there is
    /// no such device.
    pub async fn remove(
        &self,
        id: &DeviceId,
        dry_run: bool,
    ) -> Result<Option<Vec<UserId>>, StoreError> {
        if self.find(id).await?.is_none() {
            return Ok(None);
        }

        let users = persist::list_users(&self.0.base.store, id).await?;

        if !dry_run {
            let event = self.event(
                EventType::DynamicRegDeleted,
                id,
                None,
                self.0.base.clock.now(),
            );

            persist::delete_device(&self.0.base.store, id, event).await?;
        }

        Ok(Some(users))
    }

    /// 256 random bits as 64 upper-case hexadecimal characters, the format of the documented system.
    fn new_device_id(&self) -> Result<DeviceId, StoreError> {
        let bytes: [u8; 32] = random::bytes(self.0.base.random.as_ref());
        let text: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
        DeviceId::new(&text).map_err(|error| StoreError::Query(error.to_string()))
    }
}

/// Whether a device of this application may register with the initial access token that it has, or
/// without one.
fn admit(
    settings: &Settings,
    metadata: &ClientMetadata,
    initial_access_token: Option<&SecretString>,
) -> Result<(), RegistrationRefusal> {
    let application = settings.applications.get(&metadata.application_id);
    let is_required = application.is_some_and(|known| known.initial_access_token_required);

    let Some(presented) = initial_access_token else {
        return if is_required {
            Err(RegistrationRefusal::InitialAccessToken)
        } else {
            Ok(())
        };
    };

    let presented = sha256(presented.expose().as_bytes());
    let mut is_admitted = false;
    // All are compared, even if the first one fits: the time tells nothing.
    for token in settings.initial_access_tokens.values() {
        let is_its = token
            .applications
            .contains(metadata.application_id.as_str());
        is_admitted |= constant_time_eq(&token.token_hash, &presented) && is_its;
    }

    if is_admitted {
        Ok(())
    } else {
        Err(RegistrationRefusal::InitialAccessToken)
    }
}

/// Whether a device may register with this metadata or, where it is `registered`, may change its
/// registration to it.
///
/// A change follows the rules of a new registration. Only a version that the device already runs may
/// be closed for new ones. Application, platform and key identify the registration: a device with
/// other ones registers again.
fn decide(
    settings: &Settings,
    metadata: &ClientMetadata,
    registered: Option<&Device>,
) -> Result<(), RegistrationRefusal> {
    if let Some(device) = registered {
        decide_identity(metadata, device)?;
    }

    let version = settings
        .applications
        .get(&metadata.application_id)
        .and_then(|application| {
            application.version(metadata.platform, &metadata.application_version)
        })
        .ok_or_else(|| {
            invalid("`software_id`, `platform` and `software_version` name no known version.")
        })?;

    let runs_already =
        registered.is_some_and(|device| device.application_version == metadata.application_version);

    match version.status {
        VersionStatus::LoginRegistration => Ok(()),
        VersionStatus::LoginOnly if runs_already => Ok(()),
        VersionStatus::LoginOnly | VersionStatus::Disabled => {
            Err(RegistrationRefusal::VersionClosed)
        }
    }
}

fn decide_identity(metadata: &ClientMetadata, device: &Device) -> Result<(), RegistrationRefusal> {
    if metadata.client_id.as_ref() != Some(&device.id) {
        return Err(invalid("`client_id` must be that of the registration."));
    }

    if metadata.application_id != device.application_id || metadata.platform != device.platform {
        return Err(invalid(
            "`software_id` and `platform` cannot be changed: register again.",
        ));
    }

    if metadata.public_key != device.public_key {
        return Err(invalid(
            "The key in `jwks` cannot be changed: register again.",
        ));
    }

    Ok(())
}
