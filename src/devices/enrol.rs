//! Users on devices: they enrol, are found, and end their enrolment.

use std::sync::Arc;

use super::error::EnrolmentError;
use super::facade::Devices;
use super::persist::{self, KeysToEnrol};
use super::types::{Enrolled, Enrolment, EnrolmentState};
use crate::ids::{DeviceId, ProfileId, UserId};
use crate::jose::PublicJwk;
use crate::settings::MobileAuthentication;
use crate::store::StoreError;
use crate::users::events::EventType;

impl Devices {
    /// Enrols a user's key on a device.
    pub async fn enrol(
        &self,
        device: &DeviceId,
        user: &UserId,
        key: PublicJwk,
    ) -> Result<Enrolled, EnrolmentError> {
        let now = self.0.base.clock.now();
        let keys = KeysToEnrol {
            device: device.clone(),
            user: user.clone(),
            key,
            now,
            event: self.event(EventType::KeyEnrollmentSuccess, device, Some(user), now),
        };

        // Taken along into the transaction: whether it is a new enrolment or replaces one is known
        // only there.
        let rules = MobileAuthentication::clone(&self.0.base.settings.load().mobile_authentication);

        let random = Arc::clone(&self.0.base.random);
        let profile_id = persist::enrol(&self.0.base.store, keys, rules, random).await?;

        Ok(Enrolled {
            profile_id,
            server_key: self.0.server_key,
        })
    }

    /// Everything enrolled for a user on a device.
    pub async fn enrolment(
        &self,
        device: &DeviceId,
        user: &UserId,
    ) -> Result<Option<EnrolmentState>, StoreError> {
        persist::find_enrolment_state(&self.0.base.store, device, user).await
    }

    /// A user on a device.
    pub async fn enrolment_of(
        &self,
        device: &DeviceId,
        user: &UserId,
    ) -> Result<Option<Enrolment>, StoreError> {
        persist::find_enrolment(&self.0.base.store, device, user).await
    }

    /// The user whom this profile stands for on a device.
    pub async fn enrolment_by_profile(
        &self,
        device: &DeviceId,
        profile: &ProfileId,
    ) -> Result<Option<Enrolment>, StoreError> {
        persist::find_enrolment_by_profile(&self.0.base.store, device, *profile).await
    }

    /// Ends a user's enrolment on a device, including authenticators and push. Returns whether
    /// there was one.
    pub async fn end_enrolment(
        &self,
        device: &DeviceId,
        user: &UserId,
    ) -> Result<bool, StoreError> {
        let now = self.0.base.clock.now();
        let event = self.event(EventType::KeyEnrollmentRemoved, device, Some(user), now);
        persist::end_enrolment(&self.0.base.store, device, user, event).await
    }

    /// Ends everything a user has on a device: tokens, keys, push. The device itself and its other
    /// users stay. Returns whether there was anything.
    pub async fn disconnect(&self, device: &DeviceId, user: &UserId) -> Result<bool, StoreError> {
        let now = self.0.base.clock.now();
        let event = self.event(EventType::UserDisconnected, device, Some(user), now);
        persist::disconnect(&self.0.base.store, device, user, event).await
    }
}
