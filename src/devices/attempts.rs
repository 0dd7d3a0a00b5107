//! Attempts with an authenticator, counted for each user on each device, whatever they are for.
//!
//! An attempt is counted before the proof is verified, in a commit of its own. So no number of
//! parallel attempts, on however many nodes, gets more than the application allows. A success resets
//! the count. After the last failure the user is disconnected from the device if the authenticator
//! is the PIN; another authenticator is removed.

use std::mem;

use super::authenticators::AuthenticatorName;
use super::error::DeviceError;
use super::facade::Devices;
use super::proof::{ProofError, ProofOf};
use super::types::Device;
use super::{enrolment, persist};
use crate::ids::{DeviceId, UserId};
use crate::jose::PublicJwk;
use crate::store::StoreError;
use crate::store::journal::{AuthenticatorTry, Outcome};
use crate::store::rows::AssertionIdRow;
use crate::users::events::EventType;

/// How often an attempt is counted again after somebody else's success reset the count.
const RACES_MAX: usize = 3;

/// An authenticator of a user on a device, and the key that verifies its proofs.
#[derive(Clone, Copy, Debug)]
pub struct Prover<'a> {
    pub device: &'a Device,
    pub user: &'a UserId,
    pub name: &'a AuthenticatorName,
    pub key: &'a PublicJwk,
}

/// Why an authenticator did not prove that it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unproven {
    /// The proof is not a good one.
    Invalid {
        error: ProofError,
        /// The attempts that are left, where they are limited. Only wrong signatures count.
        attempts_left: Option<u32>,
    },
    /// The authenticator is not enrolled, or the application does not allow it.
    NotAllowed,
    /// A client assertion was used before; nothing is counted.
    Replayed,
    /// No attempt is left: the user is disconnected from the device, or the authenticator removed.
    Exhausted,
    /// The authenticator was removed meanwhile.
    Gone,
}

/// Whether an attempt may be made.
enum TryOutcome {
    /// It is counted; now the proof may be verified.
    Begun,
    NotAllowed,
    Replayed,
    Exhausted,
}

/// What follows from a failed attempt.
enum FailedTry {
    /// Further attempts are possible: this many, where there is a limit.
    Left(Option<u32>),
    /// It was the last one.
    Exhausted,
    Gone,
}

impl Devices {
    /// Has an authenticator prove that it is there, and uses up the client assertions that came with
    /// the proof. The attempt is counted before the signature is verified.
    pub async fn prove(
        &self,
        prover: Prover<'_>,
        purpose: ProofOf<'_>,
        proof: &str,
        assertions: Vec<AssertionIdRow>,
    ) -> Result<(), DeviceError<Unproven>> {
        let Prover {
            device,
            user,
            name,
            key,
        } = prover;

        let unproven = |reason| Err(DeviceError::Refused(reason));
        let invalid = |error, attempts_left| Unproven::Invalid {
            error,
            attempts_left,
        };

        // A proof that cannot be right, whatever the key, costs no attempt.
        if let Err(error) = purpose.check_claims(proof, self.0.base.clock.now()) {
            return unproven(invalid(error, None));
        }

        match self.begin_try(device, user, name, assertions).await? {
            TryOutcome::Begun => {}
            TryOutcome::NotAllowed => return unproven(Unproven::NotAllowed),
            TryOutcome::Replayed => return unproven(Unproven::Replayed),
            TryOutcome::Exhausted => return unproven(Unproven::Exhausted),
        }

        if purpose.is_by(key, proof) {
            return Ok(());
        }

        unproven(match self.fail_try(device, user, name).await? {
            FailedTry::Left(attempts_left) => invalid(ProofError::Signature, attempts_left),
            FailedTry::Exhausted => Unproven::Exhausted,
            FailedTry::Gone => Unproven::Gone,
        })
    }

    /// Counts an attempt that is about to be made.
    async fn begin_try(
        &self,
        device: &Device,
        user: &UserId,
        name: &AuthenticatorName,
        mut assertions: Vec<AssertionIdRow>,
    ) -> Result<TryOutcome, StoreError> {
        let Some(failures_max) = self.failures_max(device, name) else {
            return Ok(TryOutcome::NotAllowed);
        };
        let attempt = AuthenticatorTry {
            device_id: device.id.to_string(),
            user_id: user.to_string(),
            name: name.to_string(),
            failures_max,
        };

        for _ in 0..RACES_MAX {
            // Recorded with the first round, even if its attempt is refused. In a later one they
            // would count as used before.
            let assertions = mem::take(&mut assertions);
            match persist::begin_try(&self.0.base.store, attempt.clone(), assertions).await? {
                Outcome::Committed => return Ok(TryOutcome::Begun),
                Outcome::Replayed => return Ok(TryOutcome::Replayed),
                // No attempt is left, or the server stopped before it acted on the last failure.
                Outcome::Refused
                | Outcome::UserDisabled
                | Outcome::TooMany { .. }
                | Outcome::TooManyFailures => {
                    match self.fail_try(device, user, name).await? {
                        FailedTry::Exhausted => return Ok(TryOutcome::Exhausted),
                        FailedTry::Gone => return Ok(TryOutcome::NotAllowed),
                        // Somebody else's success reset the count in between.
                        FailedTry::Left(_) => {}
                    }
                }
            }
        }

        Err(StoreError::Overloaded)
    }

    /// Acts on a failed attempt that was counted before.
    async fn fail_try(
        &self,
        device: &Device,
        user: &UserId,
        name: &AuthenticatorName,
    ) -> Result<FailedTry, StoreError> {
        let failures_max = self.failures_max(device, name).unwrap_or(0);
        let found = persist::find_failures(&self.0.base.store, &device.id, user, name).await?;

        let Some(failures) = found else {
            // The user removed it, or somebody else's attempt was the last one.
            let enrolment = persist::find_enrolment(&self.0.base.store, &device.id, user).await?;
            return Ok(match enrolment {
                Some(_) => FailedTry::Gone,
                None => FailedTry::Exhausted,
            });
        };

        match u32::try_from(failures_max.saturating_sub(failures)) {
            Ok(left) if left > 0 => Ok(FailedTry::Left((failures_max != i32::MAX).then_some(left))),
            _ => {
                self.act_on_exhaustion(&device.id, user, name).await?;
                Ok(FailedTry::Exhausted)
            }
        }
    }

    async fn act_on_exhaustion(
        &self,
        device: &DeviceId,
        user: &UserId,
        name: &AuthenticatorName,
    ) -> Result<(), StoreError> {
        let now = self.0.base.clock.now();

        // Whoever guesses a PIN holds the phone: the user is logged out there altogether.
        if *name == AuthenticatorName::Pin {
            let event_type = EventType::PushAuthValidationPinLimitExceeded;
            let event = self.event(event_type, device, Some(user), now);
            persist::disconnect(&self.0.base.store, device, user, event).await?;
        } else {
            let event = self.event(EventType::AuthenticatorRemoved, device, Some(user), now);
            persist::delete_authenticator(
                &self.0.base.store,
                device,
                user,
                name.to_string(),
                event,
            )
            .await?;
        }

        Ok(())
    }

    /// The most failures in a row; `None` where the authenticator is not allowed.
    fn failures_max(&self, device: &Device, name: &AuthenticatorName) -> Option<i32> {
        let settings = self.0.base.settings.load();
        // Also for the attempt: an authenticator that was switched off since proves nothing any
        // more.
        enrolment::decide_authenticator(&settings, device, name).ok()?;

        let application = settings.applications.get(&device.application_id)?;

        Some(match application.pin.max_attempts {
            0 => i32::MAX,
            max => i32::try_from(max).unwrap_or(i32::MAX),
        })
    }
}
