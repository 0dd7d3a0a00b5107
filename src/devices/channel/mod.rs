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
use crate::clock::Clock;
use crate::ids::{DeviceId, UserId};
use crate::push::{PushMessage, PushSender};
use crate::runtime::{Address, Admission, Arbiters, Directory, ask};
use crate::settings::CurrentSettings;
use crate::store::Store;
use crate::telemetry::metrics::Metrics;

/// Pushes being handed to their services at a time; further ones wait.
const PUSHES_IN_FLIGHT_MAX: usize = 512;

/// What channels are made of.
pub struct ChannelParts {
    pub store: Store,
    pub clock: Clock,
    pub settings: CurrentSettings,
    pub devices: Devices,
    pub push: Arc<dyn PushSender>,
    pub metrics: Metrics,
    pub arbiters: Arc<Arbiters>,
    /// Channels in memory; one more is refused.
    pub live_max: usize,
}

/// The channels of all devices. Cheap to clone.
#[derive(Clone)]
pub struct Channels(Arc<Shared>);

struct Shared {
    store: Store,
    clock: Clock,
    settings: CurrentSettings,
    devices: Devices,
    push: Arc<dyn PushSender>,
    push_permits: Semaphore,
    metrics: Metrics,
    directory: Directory<DeviceId, DeviceChannel>,
    admission: Admission,
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
    pub fn new(parts: ChannelParts) -> Self {
        Self(Arc::new(Shared {
            store: parts.store,
            clock: parts.clock,
            settings: parts.settings,
            devices: parts.devices,
            push: parts.push,
            push_permits: Semaphore::new(PUSHES_IN_FLIGHT_MAX),
            metrics: parts.metrics,
            directory: Directory::new(parts.arbiters),
            admission: Admission::new(parts.live_max),
        }))
    }

    /// Channels in memory.
    #[must_use]
    pub fn live(&self) -> usize {
        self.0.admission.admitted()
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
        let Some(permit) = self.admission.try_enter() else {
            self.metrics.refused("device_channels");
            return None;
        };
        let (shared, device_id) = (Arc::clone(self), device.clone());
        let died = self.directory.died();
        let channel = self.directory.find_or_start(device, move || {
            DeviceChannel::new(device_id, shared, permit)
        });
        if self.directory.died() > died {
            self.metrics.actor_panicked("device_channel");
        }
        channel
    }
}
