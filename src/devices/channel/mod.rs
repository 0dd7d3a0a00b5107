//! The way to a device: one actor for each device that has something in flight.
//!
//! It delivers pushes, again after growing pauses where the service cannot take them now; it knows
//! from the service's answers whether the address still lives; it keeps the budget of prompts; and
//! it wakes the phone's long polls. When there is nothing to do it ends, and is started anew when
//! there is: the rows are the truth.

mod actor;
mod messages;
mod persist;
mod state;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use actor::DeviceChannel;
use messages::{Await, Deliver, Reserve};

use super::Devices;
use crate::base::Base;
use crate::ids::{DeviceId, UserId};
use crate::push::{PushMessage, PushSender};
use crate::runtime::{Address, Arbiters, Directory, DirectoryOptions, ask};

/// Pushes being handed to their services at a time; further ones wait.
const PUSHES_IN_FLIGHT_MAX: usize = 512;
/// Devices with something in flight, in memory; one more is refused.
const LIVE_MAX: usize = 1_000_000;

/// The channels of all devices. Cheap to clone.
#[derive(Clone)]
pub struct Channels(Arc<Shared>);

struct Shared {
    base: Base,
    devices: Devices,
    push: Arc<dyn PushSender>,
    push_permits: Semaphore,
    directory: Directory<DeviceId, DeviceChannel>,
}

/// What became of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// The service took it, or the phone fetches by itself.
    Taken,
    /// It cannot be delivered.
    GivenUp,
}

/// Why no further prompt may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReserveError {
    /// The budget is used up.
    #[error("the user was prompted too often")]
    TooManyPrompts {
        /// Until one more is allowed.
        retry_after: Duration,
    },
    /// Too much is going on, or the database is out of reach.
    #[error("the device's channel is out of reach")]
    Unavailable,
}

impl Channels {
    /// With no channel open.
    #[must_use]
    pub fn new(
        base: &Base,
        devices: Devices,
        push: Arc<dyn PushSender>,
        arbiters: Arc<Arbiters>,
    ) -> Self {
        let directory = Directory::new(DirectoryOptions {
            actor: "device_channel",
            bound: "device_channels",
            live_max: LIVE_MAX,
            live: base.metrics.live_channels().clone(),
            arbiters,
            metrics: base.metrics.clone(),
        });
        Self(Arc::new(Shared {
            base: base.clone(),
            devices,
            push,
            push_permits: Semaphore::new(PUSHES_IN_FLIGHT_MAX),
            directory,
        }))
    }

    /// Channels in memory.
    #[must_use]
    pub fn live(&self) -> usize {
        self.0.directory.live()
    }

    /// Takes one prompt from the budget this user has on this device.
    ///
    /// # Errors
    /// [`ReserveError`].
    pub async fn reserve(&self, device: &DeviceId, user: &UserId) -> Result<(), ReserveError> {
        let reserve = |reply| Reserve {
            user: user.clone(),
            reply,
        };
        // Once more where the channel ended just now: it is idle so often that this is no accident.
        for _ in 0..2 {
            let channel = self.0.channel(device).ok_or(ReserveError::Unavailable)?;
            if let Ok(reserved) = ask(&channel, reserve).await {
                return reserved;
            }
        }
        Err(ReserveError::Unavailable)
    }

    /// Delivers a push: completes when the service has taken it or delivery is given up, at the
    /// latest when it expires.
    pub async fn deliver(&self, device: &DeviceId, message: PushMessage) -> DeliveryOutcome {
        for _ in 0..2 {
            let Some(channel) = self.0.channel(device) else {
                break;
            };
            let message = message.clone();
            if let Ok(outcome) = ask(&channel, |reply| Deliver { message, reply }).await {
                return outcome;
            }
        }
        DeliveryOutcome::GivenUp
    }

    /// Completes when something arrives for the device after this call, or its channel ends.
    pub fn arrival(&self, device: &DeviceId) -> impl Future<Output = ()> + use<> {
        let waiting = self
            .0
            .channel(device)
            .map(|channel| ask(&channel, |reply| Await { reply }));
        async move {
            match waiting {
                Some(waiting) => drop(waiting.await),
                // Nothing will be told: the caller's patience ends the wait.
                None => std::future::pending().await,
            }
        }
    }
}

impl Shared {
    fn channel(self: &Arc<Self>, device: &DeviceId) -> Option<Address<DeviceChannel>> {
        if let Some(channel) = self.directory.find(device) {
            return Some(channel);
        }
        let (shared, device_id) = (Arc::clone(self), device.clone());
        self.directory.find_or_start(device, move |permit| {
            DeviceChannel::new(device_id, shared, permit)
        })
    }
}
