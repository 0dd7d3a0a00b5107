//! Tries of authenticators, counted for each user on each device, whatever they are for.
//!
//! A try is counted before anybody looks whether it succeeds, in a commit of its own, so that no
//! number of tries at the same time, on however many nodes, gets more than the application allows.
//! A success forgets them; the last failure disconnects the user from the device (of authenticators
//! that are not the PIN: takes away the authenticator).

use std::mem;

use super::authenticators::AuthenticatorName;
use super::{Device, Devices, enrolment, persist};
use crate::ids::{DeviceId, UserId};
use crate::store::StoreError;
use crate::store::journal::{AuthenticatorTry, Outcome};
use crate::store::rows::AssertionIdRow;
use crate::users::events::EventType;

/// How often somebody else's success may come between.
const RACES_MAX: usize = 3;

/// What became of the wish to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryOutcome {
    /// It is counted; now it may be looked at.
    Begun,
    /// The authenticator is not enrolled, or the application does not allow it (any more).
    NotAllowed,
    /// What came with it was seen before; nothing is counted.
    Replayed,
    /// There is no try left: the user is disconnected from the device, or the authenticator is
    /// gone.
    Exhausted,
}

/// What a failed try has led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailedTry {
    /// Another may follow; how many, where they are limited.
    Left(Option<u32>),
    /// That was the last one: the user is disconnected from the device, or the authenticator is
    /// gone.
    Exhausted,
    /// The authenticator was removed meanwhile.
    Gone,
}

impl Devices {
    /// Counts a try of an authenticator that is about to be looked at, and uses up what came with
    /// it.
    pub async fn begin_try(
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
            match persist::begin_try(
                &self.0.base.store,
                attempt.clone(),
                mem::take(&mut assertions),
            )
            .await?
            {
                Outcome::Committed => return Ok(TryOutcome::Begun),
                Outcome::Replayed => return Ok(TryOutcome::Replayed),
                // None is left, or what has to follow was interrupted after the last one.
                Outcome::Refused | Outcome::UserDisabled => {
                    match self.fail_try(device, user, name).await? {
                        FailedTry::Exhausted => return Ok(TryOutcome::Exhausted),
                        FailedTry::Gone => return Ok(TryOutcome::NotAllowed),
                        // Somebody succeeded in between.
                        FailedTry::Left(_) => {}
                    }
                }
            }
        }
        Err(StoreError::Overloaded)
    }

    /// A try has failed: was it the last one?
    pub async fn fail_try(
        &self,
        device: &Device,
        user: &UserId,
        name: &AuthenticatorName,
    ) -> Result<FailedTry, StoreError> {
        let failures_max = self.failures_max(device, name).unwrap_or(0);
        let Some(failures) =
            persist::find_failures(&self.0.base.store, &device.id, user, name).await?
        else {
            // The user removed it, or somebody else's try was the last one.
            let enrolled = persist::find_enrolment(&self.0.base.store, &device.id, user)
                .await?
                .is_some();
            return Ok(if enrolled {
                FailedTry::Gone
            } else {
                FailedTry::Exhausted
            });
        };
        match u32::try_from(failures_max.saturating_sub(failures)) {
            Ok(left) if left > 0 => Ok(FailedTry::Left((failures_max != i32::MAX).then_some(left))),
            _ => {
                self.give_up(&device.id, user, name).await?;
                Ok(FailedTry::Exhausted)
            }
        }
    }

    /// Ends everything a user has on a device: tokens, keys, push. Others on the device, and the
    /// installation itself, stay. `false` when there was nothing.
    pub async fn disconnect(&self, device: &DeviceId, user: &UserId) -> Result<bool, StoreError> {
        let event = self.event(
            EventType::UserDisconnected,
            device,
            Some(user),
            self.0.base.clock.now(),
        );
        persist::disconnect(&self.0.base.store, device, user, event).await
    }

    async fn give_up(
        &self,
        device: &DeviceId,
        user: &UserId,
        name: &AuthenticatorName,
    ) -> Result<(), StoreError> {
        let now = self.0.base.clock.now();
        if *name == AuthenticatorName::Pin {
            let event = self.event(
                EventType::PushAuthValidationPinLimitExceeded,
                device,
                Some(user),
                now,
            );
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
        enrolment::decide_authenticator(&settings, device, name).ok()?;
        let allowed = settings
            .applications
            .get(&device.application_id)?
            .pin
            .max_attempts;
        Some(if allowed == 0 {
            i32::MAX
        } else {
            i32::try_from(allowed).unwrap_or(i32::MAX)
        })
    }
}
