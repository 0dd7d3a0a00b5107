//! Tries of authenticators, counted for each user on each device, whatever they are for.
//!
//! A try is counted before anybody looks whether it succeeds, in a commit of its own, so that no number of tries at the same
//! time, on however many nodes, gets more than the application allows. A success forgets them; the last failure disconnects
//! the user from the device (of authenticators that are not the PIN: takes away the authenticator).

use super::authenticators::AuthenticatorName;
use super::{Device, Devices, enrolment, persist};
use crate::ids::{DeviceId, UserId};
use crate::store::StoreError;
use crate::store::journal::Outcome;
use crate::store::rows::{AssertionIdRow, AuthenticatorTry};
use crate::users::events::EventType;

/// What became of the wish to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryOutcome {
    /// It is counted; now it may be looked at.
    Begun,
    /// The application does not allow this authenticator (any more).
    NotAllowed,
    /// What came with it was seen before; nothing is counted.
    Replayed,
    /// There is no try left: the user is disconnected from the device, or the authenticator is gone.
    Exhausted,
}

impl Devices {
    /// Counts a try of an authenticator that is about to be looked at, and uses up what came with it.
    pub async fn begin_try(
        &self,
        device: &Device,
        user: &UserId,
        name: &AuthenticatorName,
        assertions: Vec<AssertionIdRow>,
    ) -> Result<TryOutcome, StoreError> {
        let Some(failures_max) = self.failures_max(device, name) else { return Ok(TryOutcome::NotAllowed) };
        let attempt = AuthenticatorTry {
            device_id: device.id.to_string(),
            user_id: user.to_string(),
            name: name.to_string(),
            failures_max,
        };
        Ok(match persist::begin_try(&self.0.store, attempt, assertions).await? {
            Outcome::Committed => TryOutcome::Begun,
            Outcome::Replayed => TryOutcome::Replayed,
            Outcome::Refused => {
                // None is left: or what has to follow was interrupted after the last one.
                self.give_up(&device.id, user, name).await?;
                TryOutcome::Exhausted
            }
        })
    }

    /// A try has failed. How many are left where they are limited (`Some(None)`: they are not); `None`: that was the last
    /// one, and the user is disconnected or the authenticator gone.
    pub async fn fail_try(
        &self,
        device: &Device,
        user: &UserId,
        name: &AuthenticatorName,
    ) -> Result<Option<Option<u32>>, StoreError> {
        let failures_max = self.failures_max(device, name).unwrap_or(0);
        if failures_max == i32::MAX {
            return Ok(Some(None));
        }
        let failures = persist::find_failures(&self.0.store, &device.id, user, name).await?;
        let left = failures.map_or(0, |failures| failures_max.saturating_sub(failures));
        match u32::try_from(left) {
            Ok(left) if left > 0 => Ok(Some(Some(left))),
            _ => {
                self.give_up(&device.id, user, name).await?;
                Ok(None)
            }
        }
    }

    /// Ends everything a user has on a device: tokens, keys, push. Others on the device, and the installation itself, stay.
    /// `false` when there was nothing.
    pub async fn disconnect(&self, device: &DeviceId, user: &UserId) -> Result<bool, StoreError> {
        let event = self.event(EventType::UserDisconnected, device, Some(user), self.0.clock.now());
        persist::disconnect(&self.0.store, device, user, event).await
    }

    async fn give_up(&self, device: &DeviceId, user: &UserId, name: &AuthenticatorName) -> Result<(), StoreError> {
        let now = self.0.clock.now();
        if *name == AuthenticatorName::Pin {
            let event = self.event(EventType::PushAuthValidationPinLimitExceeded, device, Some(user), now);
            persist::disconnect(&self.0.store, device, user, event).await?;
        } else {
            let event = self.event(EventType::AuthenticatorRemoved, device, Some(user), now);
            persist::delete_authenticator(&self.0.store, device, user, name.to_string(), event).await?;
        }
        Ok(())
    }

    /// The most failures in a row; `None` where the authenticator is not allowed.
    fn failures_max(&self, device: &Device, name: &AuthenticatorName) -> Option<i32> {
        let settings = self.0.settings.load();
        enrolment::decide_authenticator(&settings, device, name).ok()?;
        let allowed = settings.applications.get(&device.application_id)?.pin.max_attempts;
        Some(if allowed == 0 { i32::MAX } else { i32::try_from(allowed).unwrap_or(i32::MAX) })
    }
}
