//! Keys of authenticators: set, changed by whoever holds the present key, removed, and looked up.
//!
//! An access token alone is enough to set a key, and whoever holds the unlocked device may have it.
//! So a key that is set gets neither the authenticator's refresh tokens nor new attempts: a refresh
//! token can only be guessed at with the key it was bound to, or with a key that this one has signed
//! for. That is why nothing is remembered of an authenticator that is removed, or goes with the
//! enrolment, not even its attempts: a key set later finds no refresh token, and new ones are bound
//! after a log-in or by another authenticator that is proven.

use super::attempts::{Prover, Unproven};
use super::authenticators::AuthenticatorName;
use super::enrolment::{EnrolmentRefusal, decide_authenticator};
use super::error::{DeviceError, EnrolmentError};
use super::facade::Devices;
use super::persist;
use super::proof::{ProofError, ProofOf};
use super::types::Device;
use crate::ids::{DeviceId, UserId};
use crate::jose::PublicJwk;
use crate::store::StoreError;
use crate::store::rows::{AuthenticatorRow, EventRow};
use crate::users::events::EventType;

/// Why an authenticator's key was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeRefusal {
    /// The user may not have this authenticator on this device.
    #[error(transparent)]
    Enrolment(EnrolmentRefusal),
    /// The proof was not made with the enrolled key, or not for this change.
    #[error("{error}")]
    InvalidProof {
        error: ProofError,
        /// Further wrong proofs, where there is a limit. Only wrong signatures count.
        attempts_left: Option<u32>,
    },
    /// The last attempt with the PIN failed.
    #[error(
        "Wrong proofs used up the attempts: the user was disconnected from this device and has to log in again."
    )]
    UserDisconnected,
    /// The last attempt with another authenticator failed.
    #[error("Wrong proofs used up the attempts: the authenticator was removed.")]
    AuthenticatorGone,
}

/// Why a key was not changed. After some errors of the store it may have been changed.
pub type ChangeError = DeviceError<ChangeRefusal>;

impl From<EnrolmentError> for ChangeError {
    fn from(error: EnrolmentError) -> Self {
        match error {
            DeviceError::Refused(refusal) => Self::Refused(ChangeRefusal::Enrolment(refusal)),
            DeviceError::Store(error) => Self::Store(error),
        }
    }
}

impl Devices {
    /// Sets the key of a user's authenticator. If it replaces another key, failed attempts stay
    /// counted and the authenticator's refresh tokens end. The same key again changes nothing.
    pub async fn set_authenticator(
        &self,
        device: &DeviceId,
        user: &UserId,
        name: &AuthenticatorName,
        key: PublicJwk,
    ) -> Result<(), EnrolmentError> {
        self.find_allowing(device, name).await?;
        let (row, event) = self.enrolled_rows(device, user, name, key);
        persist::set_authenticator(&self.0.base.store, row, event).await
    }

    /// Changes the key of a user's authenticator to one that the present key has signed for, see
    /// [`ProofOf::NewKey`]. Resets failed attempts; refresh tokens stay. Where there is no key to
    /// change, or it is the new one already, the proof is not verified.
    pub async fn change_authenticator(
        &self,
        device: &DeviceId,
        user: &UserId,
        name: &AuthenticatorName,
        key: PublicJwk,
        proof: &str,
    ) -> Result<(), ChangeError> {
        let registered = self.find_allowing(device, name).await?;
        let present =
            persist::find_authenticator_key(&self.0.base.store, device, user, name).await?;
        // A change whose answer was lost comes again: it must not need a proof by a key that is
        // gone.
        let Some(present) = present.filter(|present| *present != key) else {
            return Ok(self.set_authenticator(device, user, name, key).await?);
        };

        let prover = Prover {
            device: &registered,
            user,
            name,
            key: &present,
        };
        self.prove(prover, ProofOf::NewKey(&key), proof, Vec::new())
            .await
            .map_err(|error| not_proven(error, name))?;

        let (row, event) = self.enrolled_rows(device, user, name, key);

        if persist::change_authenticator(&self.0.base.store, row, present, event).await? {
            Ok(())
        } else {
            // The key was changed or removed in the meantime, and the proof is not about that.
            let error = ProofError::Signature;
            Err(DeviceError::Refused(ChangeRefusal::InvalidProof {
                error,
                attempts_left: None,
            }))
        }
    }

    /// Removes an authenticator of a user. Returns whether there was one.
    pub async fn remove_authenticator(
        &self,
        device: &DeviceId,
        user: &UserId,
        name: &AuthenticatorName,
    ) -> Result<bool, StoreError> {
        let now = self.0.base.clock.now();
        let event = self.event(EventType::AuthenticatorRemoved, device, Some(user), now);
        persist::delete_authenticator(&self.0.base.store, device, user, name.to_string(), event)
            .await
    }

    /// The key that verifies an answer of this user on this device by `authenticator` (`pin`,
    /// `fingerprint`, `custom:ID`). `None` where the user is not enrolled, the authenticator is not
    /// enrolled or no longer allowed, or the application's version is disabled.
    pub async fn answering_key(
        &self,
        device: &DeviceId,
        user: &UserId,
        authenticator: &str,
    ) -> Result<Option<PublicJwk>, StoreError> {
        let Ok(name) = authenticator.parse::<AuthenticatorName>() else {
            return Ok(None);
        };

        let found =
            persist::find_answering_key(&self.0.base.store, device, user, name.to_string()).await?;
        let settings = self.0.base.settings.load();

        // Looked up with each answer, so that a version that is disabled answers nothing from then
        // on.
        let is_allowed = |device: &Device| {
            device.enabled_version(&settings).is_some()
                && decide_authenticator(&settings, device, &name).is_ok()
        };

        Ok(found.and_then(|(device, key)| is_allowed(&device).then_some(key)))
    }

    /// The device, if its application allows this authenticator.
    async fn find_allowing(
        &self,
        id: &DeviceId,
        name: &AuthenticatorName,
    ) -> Result<Device, EnrolmentError> {
        let Some(device) = self.find(id).await? else {
            return Err(DeviceError::Refused(EnrolmentRefusal::KeysNotEnrolled));
        };
        decide_authenticator(&self.0.base.settings.load(), &device, name)
            .map_err(DeviceError::Refused)?;
        Ok(device)
    }

    fn enrolled_rows(
        &self,
        device: &DeviceId,
        user: &UserId,
        name: &AuthenticatorName,
        key: PublicJwk,
    ) -> (AuthenticatorRow, EventRow) {
        let now = self.0.base.clock.now();
        let row = AuthenticatorRow {
            device_id: device.to_string(),
            user_id: user.to_string(),
            name: name.to_string(),
            public_key: key.to_json(),
            created_at: now.as_millis(),
            // For a new row only: where another key is replaced, `set_authenticator` keeps what is
            // counted.
            failures: 0,
        };

        let event = self.event(EventType::AuthenticatorEnrolled, device, Some(user), now);
        (row, event)
    }
}

fn not_proven(error: DeviceError<Unproven>, name: &AuthenticatorName) -> ChangeError {
    let reason = match error {
        DeviceError::Refused(reason) => reason,
        DeviceError::Store(error) => return DeviceError::Store(error),
    };

    DeviceError::Refused(match reason {
        Unproven::Invalid {
            error,
            attempts_left,
        } => ChangeRefusal::InvalidProof {
            error,
            attempts_left,
        },
        // No assertion came with it, so that none can have been replayed.
        Unproven::NotAllowed | Unproven::Replayed => {
            ChangeRefusal::Enrolment(EnrolmentRefusal::AuthenticatorNotAllowed)
        }
        Unproven::Exhausted if *name == AuthenticatorName::Pin => ChangeRefusal::UserDisconnected,
        Unproven::Exhausted | Unproven::Gone => ChangeRefusal::AuthenticatorGone,
    })
}
