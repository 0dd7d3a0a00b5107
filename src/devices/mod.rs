//! Installations of mobile applications, the users on them and their keys.
//!
//! An installation registers with a key of its own and is an OAuth client from then on. A user
//! enrols on it: first keys, then authenticators and push. Whatever goes takes with it what was
//! built upon it: an installation its enrolments and tokens, an enrolment its authenticators and
//! its push.

mod attempts;
mod authenticators;
pub mod channel;
mod enrolment;
mod key_change;
mod persist;
mod proof;
mod push;
mod registration;
mod types;

use std::sync::Arc;

use crate::base::Base;
use crate::clock::Timestamp;
use crate::ids::{DeviceId, ProfileId, UserId};
use crate::jose::{PrivateJwk, PublicJwk};
use crate::random;
use crate::secret::{Keyring, OpaqueToken, Purpose, TokenKind, constant_time_eq};
use crate::store::StoreError;
use crate::store::rows::EventRow;
use crate::users::events::{Concerning, EventType, event};
use persist::KeysToEnrol;

pub use attempts::{FailedTry, TryOutcome};
pub use authenticators::{AuthenticatorName, CUSTOM_ID_BYTES_MAX};
pub use enrolment::{EnrolmentRefusal, PUSH_ADDRESS_BYTES_MAX};
pub use key_change::{ChangeError, ChangeRefusal};
pub use proof::{CHANGE_PROOF_TYPE, ProofError, ProofOf, REFRESH_PROOF_TYPE};
pub use registration::{ClientMetadata, RegistrationRefusal, TEXT_CHARACTERS_MAX};
pub use types::{
    Destination, Device, Enrolled, Enrolment, EnrolmentState, PushTarget, Registered, Transport,
};

/// Why something was not done: it was refused, or the database did not do its part.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError<R> {
    /// Decided so; nothing was changed.
    #[error(transparent)]
    Refused(R),
    /// The database; see there whether something may have been changed.
    #[error(transparent)]
    Store(StoreError),
}

impl<R> From<StoreError> for DeviceError<R> {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Why a registration was not made, read or changed.
pub type RegistrationError = DeviceError<RegistrationRefusal>;
/// Why a user's enrolment was not changed.
pub type EnrolmentError = DeviceError<EnrolmentRefusal>;

/// Everything about devices. Clones share one store.
#[derive(Clone)]
pub struct Devices(Arc<Parts>);

struct Parts {
    base: Base,
    server_key: PublicJwk,
    /// Looked at with every request of a phone.
    devices: persist::DevicesById,
}

impl Devices {
    /// Devices as they are in the database.
    #[must_use]
    pub fn new(base: &Base) -> Self {
        Self(Arc::new(Parts {
            base: base.clone(),
            server_key: server_key(&base.keyring),
            devices: persist::devices_by_id(&base.store),
        }))
    }

    /// Registers an installation (RFC 7591).
    pub async fn register(
        &self,
        metadata: ClientMetadata,
    ) -> Result<Registered, RegistrationError> {
        registration::decide(&self.0.base.settings.load(), &metadata, None)
            .map_err(DeviceError::Refused)?;
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
        };
        let token = OpaqueToken::new(
            &self.0.base.keyring,
            TokenKind::Registration,
            self.0.base.random.as_ref(),
        );
        let event = self.event(EventType::DynamicRegSuccess, &device.id, None, now);
        persist::insert_device(&self.0.base.store, device.to_row(&token.hash), event).await?;
        Ok(Registered {
            device,
            registration_access_token: token.text,
        })
    }

    /// A registration, for the holder of its access token (RFC 7592 §2.1).
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
            Some(_) | None => Err(DeviceError::Refused(RegistrationRefusal::InvalidToken)),
        }
    }

    /// Replaces what an installation says about itself (RFC 7592 §2.2): what is left out is gone.
    /// Neither `client_id` nor the key nor the registration access token changes.
    pub async fn update_registration(
        &self,
        id: &DeviceId,
        token: &str,
        metadata: ClientMetadata,
    ) -> Result<Device, RegistrationError> {
        let registered = self.read_registration(id, token).await?;
        registration::decide(&self.0.base.settings.load(), &metadata, Some(&registered))
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
        if persist::update_device(&self.0.base.store, device.to_row(&[]), event).await? {
            Ok(device)
        } else {
            Err(DeviceError::Refused(RegistrationRefusal::InvalidToken))
        }
    }

    /// Removes an installation (RFC 7592 §2.3), and with it its users' enrolments and all its
    /// tokens.
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

    /// Removes an installation, and with it its users' enrolments and all its tokens, for an
    /// administrator; a dry run changes nothing. Tells who the users on it are, the first thousand;
    /// `None` where there is no such installation.
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

    pub async fn find(&self, id: &DeviceId) -> Result<Option<Device>, StoreError> {
        self.0
            .devices
            .find(id.to_string())
            .await?
            .map(Device::try_from)
            .transpose()
    }

    /// Enrols a user's key on a device.
    pub async fn enrol(
        &self,
        device: &DeviceId,
        user: &UserId,
        key: PublicJwk,
    ) -> Result<Enrolled, EnrolmentError> {
        let now = self.0.base.clock.now();
        let event = self.event(EventType::KeyEnrollmentSuccess, device, Some(user), now);
        let wish = KeysToEnrol {
            device: device.clone(),
            user: user.clone(),
            key,
            now,
            event,
        };
        let rules = self
            .0
            .base
            .settings
            .load()
            .mobile_authentication
            .as_ref()
            .clone();
        let profile_id = persist::enrol(
            &self.0.base.store,
            wish,
            rules,
            Arc::clone(&self.0.base.random),
        )
        .await?;
        Ok(Enrolled {
            profile_id,
            server_key: self.0.server_key,
        })
    }

    /// All that is enrolled for a user on a device.
    pub async fn enrolment(
        &self,
        device: &DeviceId,
        user: &UserId,
    ) -> Result<Option<EnrolmentState>, StoreError> {
        persist::find_enrolment_state(&self.0.base.store, device, user).await
    }

    /// Ends a user's enrolment on a device, authenticators and push included; `false` when there
    /// was none.
    pub async fn end_enrolment(
        &self,
        device: &DeviceId,
        user: &UserId,
    ) -> Result<bool, StoreError> {
        let event = self.event(
            EventType::KeyEnrollmentRemoved,
            device,
            Some(user),
            self.0.base.clock.now(),
        );
        persist::end_enrolment(&self.0.base.store, device, user, event).await
    }

    /// A user on a device.
    pub async fn enrolment_of(
        &self,
        device: &DeviceId,
        user: &UserId,
    ) -> Result<Option<Enrolment>, StoreError> {
        persist::find_enrolment(&self.0.base.store, device, user).await
    }

    /// A user on a device, by the profile id.
    pub async fn enrolment_by_profile(
        &self,
        device: &DeviceId,
        profile: &ProfileId,
    ) -> Result<Option<Enrolment>, StoreError> {
        persist::find_enrolment_by_profile(&self.0.base.store, device, *profile).await
    }

    /// Removes an authenticator of a user; `false` when there was none.
    pub async fn remove_authenticator(
        &self,
        device: &DeviceId,
        user: &UserId,
        name: &AuthenticatorName,
    ) -> Result<bool, StoreError> {
        let event = self.event(
            EventType::AuthenticatorRemoved,
            device,
            Some(user),
            self.0.base.clock.now(),
        );
        persist::delete_authenticator(&self.0.base.store, device, user, name.to_string(), event)
            .await
    }

    /// The key that an answer of this user on this device by `authenticator` (`device`, `pin`,
    /// `fingerprint`, `custom:ID`) is verified with; none where the user is not enrolled, the
    /// authenticator is not or no longer allowed, or the application's version is disabled.
    pub async fn answering_key(
        &self,
        device: &DeviceId,
        user: &UserId,
        authenticator: &str,
    ) -> Result<Option<PublicJwk>, StoreError> {
        let name = match authenticator {
            "device" => None,
            other => match other.parse::<AuthenticatorName>() {
                Ok(name) => Some(name),
                Err(_) => return Ok(None),
            },
        };
        let stored_name = name.as_ref().map(ToString::to_string);
        let found =
            persist::find_answering_key(&self.0.base.store, device, user, stored_name).await?;
        let settings = self.0.base.settings.load();
        Ok(found.and_then(|(device, key)| {
            device.enabled_version(&settings)?;
            let allowed = match name {
                None => true,
                Some(name) => enrolment::decide_authenticator(&settings, &device, &name).is_ok(),
            };
            allowed.then_some(key)
        }))
    }

    /// 256 random bits as 64 upper-case hexadecimal characters, as the documented system has them.
    fn new_device_id(&self) -> Result<DeviceId, StoreError> {
        let bytes: [u8; 32] = random::bytes(self.0.base.random.as_ref());
        let text: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
        DeviceId::new(&text).map_err(|error| StoreError::Query(error.to_string()))
    }

    fn event(
        &self,
        event_type: EventType,
        device: &DeviceId,
        user: Option<&UserId>,
        now: Timestamp,
    ) -> EventRow {
        let concerning = Concerning {
            device: Some(device),
            user,
            ..Concerning::default()
        };
        event(event_type, concerning, now, self.0.base.random.as_ref())
    }
}

/// The server's own key pair, derived from the master key: equal on all nodes and after every
/// restart.
#[expect(
    clippy::expect_used,
    reason = "each of the tries fails with a probability of 2^-32"
)]
fn server_key(keyring: &Keyring) -> PublicJwk {
    let derive = |attempt: u8| {
        keyring.hash(
            Purpose::SigningKey,
            &[b"server-key\0".as_slice(), &[attempt]].concat(),
        )
    };
    let key = (0..=u8::MAX).find_map(|attempt| PrivateJwk::from_bytes(derive(attempt)).ok());
    *key.expect("almost all texts of 32 bytes are a private key")
        .public()
}
