//! What a user's devices are told that asks nothing of the user.

use std::sync::Arc;
use std::time::Duration;

use super::Channels;
use super::services::Services;
use crate::devices::types::{Destination, PushTarget};
use crate::egress::ProviderFailure;
use crate::ids::{DeviceId, UserId};
use crate::push::PushMessage;
use crate::secret::SecretString;
use crate::store::StoreError;

/// How long a push service keeps a notice for a device that is out of reach.
const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// What the name of the new device takes the place of.
const DEVICE: &str = "{device}";

impl Channels {
    /// Tells a user's other devices that the user has enrolled on this one: if that was somebody else,
    /// the user finds out.
    ///
    /// It is not waited for. A device that cannot be reached now is not told; the audit log's event is
    /// there all the same.
    pub fn tell_of_enrolment(&self, user: UserId, device: DeviceId) {
        let services = Arc::clone(&self.services);
        let Ok(permit) = Arc::clone(&services.notices).try_acquire_owned() else {
            tracing::warn!(%device, "a user's other devices were not told: there are too many notices");
            return;
        };

        tokio::spawn(async move {
            let _permit = permit;
            if let Err(error) = tell(&services, &user, &device).await {
                tracing::warn!(%error, %device, "a user's other devices were not told");
            }
        });
    }
}

async fn tell(services: &Services, user: &UserId, new: &DeviceId) -> Result<(), StoreError> {
    let Some(device) = services.devices.find(new).await? else {
        return Ok(());
    };
    let settings = services.base.settings.load();
    let text = settings.mobile_authentication.new_device_message.as_str();
    let text = text.replace(DEVICE, &device.name);

    for target in services.devices.push_targets(user).await? {
        if target.device_id != *new {
            // Each is told, whatever became of the others.
            if let Err(failure) = send(services, &target, &text).await {
                tracing::warn!(%failure, device = %target.device_id, "a device was not told of another one");
            }
        }
    }

    Ok(())
}

async fn send(services: &Services, to: &PushTarget, text: &str) -> Result<(), ProviderFailure> {
    // A device that polls asks for transactions only.
    let Some(Destination::Push { destination, .. }) = &to.destination else {
        return Ok(());
    };

    let message = PushMessage {
        transaction_id: None,
        profile_id: to.profile_id,
        message: SecretString::new(text.to_owned()),
        expires_at: services.base.clock.now().after(LIFETIME),
    };

    let configuration = &destination.configuration;
    let sending = || services.push.send(destination, &message);
    services
        .bulkheads
        .call(&configuration.name, configuration.service.name, sending)
        .await
}
