//! Keys of authenticators: set, and changed by who has the one there was.
//!
//! An access token alone sets a key, and may be in the hands of whoever holds the unlocked phone.
//! So it does not get the refresh tokens of that authenticator with it, and no tries back: a
//! refresh token can only be guessed at with the key it was bound under, or with one that this key
//! has signed for. That is why nothing has to be remembered of an authenticator that is removed, or
//! goes with the enrolment, tries included. What is set in its place later finds no refresh token,
//! and new ones are bound by a fresh log-in or by another authenticator that is proven.

use super::authenticators::AuthenticatorName;
use super::enrolment::decide_authenticator;
use super::proof::{ProofError, ProofOf};
use super::{
    Device, DeviceError, Devices, EnrolmentError, EnrolmentRefusal, FailedTry, TryOutcome, persist,
};
use crate::ids::{DeviceId, UserId};
use crate::jose::PublicJwk;
use crate::store::rows::AuthenticatorRow;
use crate::users::events::EventType;

/// Why an authenticator's key was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeRefusal {
    /// It may not have a key at all.
    #[error(transparent)]
    Enrolment(EnrolmentRefusal),
    /// The proof by the key there is, is not one.
    #[error("{error}")]
    InvalidProof {
        /// What is wrong with it.
        error: ProofError,
        /// Wrong proofs that may still follow, where they are limited. Only wrong signatures count.
        attempts_left: Option<u32>,
    },
    /// The last wrong proof by the PIN's key was one too many.
    #[error(
        "Wrong proofs used up the attempts: the user was disconnected from this device and has to log in again."
    )]
    UserDisconnected,
    /// The same for another authenticator.
    #[error("Wrong proofs used up the attempts: the authenticator was removed.")]
    AuthenticatorGone,
}

/// Why a key was not changed, or nobody knows whether it was.
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
    /// Sets the key of an authenticator of a user. In place of another key it leaves the failed
    /// tries as they are, and ends the refresh tokens that belong to the authenticator. The same
    /// key again changes nothing.
    pub async fn set_authenticator(
        &self,
        device: &DeviceId,
        user: &UserId,
        name: &AuthenticatorName,
        key: PublicJwk,
    ) -> Result<(), EnrolmentError> {
        self.allowing_device(device, name).await?;
        let row = self.authenticator_row(device, user, name, key);
        let event = self.event(
            EventType::AuthenticatorEnrolled,
            device,
            Some(user),
            self.0.base.clock.now(),
        );
        persist::set_authenticator(&self.0.base.store, row, event).await
    }

    /// Changes the key of an authenticator of a user for one that the present key has signed for,
    /// see [`ProofOf::NewKey`]. Failed tries are forgotten, and the refresh tokens stay. Where
    /// there is no key to change, or it is this one already, the proof is not looked at.
    pub async fn change_authenticator(
        &self,
        device: &DeviceId,
        user: &UserId,
        name: &AuthenticatorName,
        key: PublicJwk,
        proof: &str,
    ) -> Result<(), ChangeError> {
        let registered = self.allowing_device(device, name).await?;
        let present =
            persist::find_authenticator_key(&self.0.base.store, device, user, name).await?;
        let Some(present) = present.filter(|present| *present != key) else {
            return Ok(self.set_authenticator(device, user, name, key).await?);
        };
        let purpose = ProofOf::NewKey(&key);
        purpose
            .check_claims(proof, self.0.base.clock.now())
            .map_err(|error| {
                DeviceError::Refused(ChangeRefusal::InvalidProof {
                    error,
                    attempts_left: None,
                })
            })?;
        match self.begin_try(&registered, user, name, Vec::new()).await? {
            TryOutcome::Begun => {}
            TryOutcome::Exhausted => return Err(exhausted(name)),
            // Nothing came with it that could have been seen before.
            TryOutcome::NotAllowed | TryOutcome::Replayed => return Err(not_allowed().into()),
        }
        let row = self.authenticator_row(device, user, name, key);
        let event = self.event(
            EventType::AuthenticatorEnrolled,
            device,
            Some(user),
            self.0.base.clock.now(),
        );
        let wrong = |attempts_left| {
            DeviceError::Refused(ChangeRefusal::InvalidProof {
                error: ProofError::Signature,
                attempts_left,
            })
        };
        if !purpose.is_by(&present, proof) {
            return Err(match self.fail_try(&registered, user, name).await? {
                FailedTry::Left(attempts_left) => wrong(attempts_left),
                FailedTry::Exhausted => exhausted(name),
                FailedTry::Gone => DeviceError::Refused(ChangeRefusal::AuthenticatorGone),
            });
        }
        if persist::change_authenticator(&self.0.base.store, row, present, event).await? {
            Ok(())
        } else {
            // Another key was set or changed to in the meantime, or this one was removed: it is not
            // the proof of that.
            Err(wrong(None))
        }
    }

    /// The device, if its application lets users have this authenticator.
    async fn allowing_device(
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

    fn authenticator_row(
        &self,
        device: &DeviceId,
        user: &UserId,
        name: &AuthenticatorName,
        key: PublicJwk,
    ) -> AuthenticatorRow {
        AuthenticatorRow {
            device_id: device.to_string(),
            user_id: user.to_string(),
            name: name.to_string(),
            public_key: key.to_json(),
            created_at: self.0.base.clock.now().as_millis(),
            failures: 0,
        }
    }
}

/// What wrong proofs that used up the tries have cost.
fn exhausted(name: &AuthenticatorName) -> ChangeError {
    DeviceError::Refused(match name {
        AuthenticatorName::Pin => ChangeRefusal::UserDisconnected,
        AuthenticatorName::Fingerprint | AuthenticatorName::Custom(_) => {
            ChangeRefusal::AuthenticatorGone
        }
    })
}

fn not_allowed() -> EnrolmentError {
    DeviceError::Refused(EnrolmentRefusal::AuthenticatorNotAllowed)
}
