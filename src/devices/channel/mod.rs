//! The way to a device: one actor for each device that has something in flight.
//!
//! It delivers pushes and retries where the service cannot take them now; it learns from the
//! service's answers whether the address is dead; it keeps the budget of prompts; and it wakes the
//! device's long polls. An idle channel ends and is started again when it is needed: the rows are
//! the truth.

mod actor;
mod delivery;
mod messages;
mod persist;
mod services;
mod state;
mod types;

use std::sync::Arc;

use tokio::sync::Semaphore;

pub use types::ReserveError;

use actor::{ChannelDirectory, DeviceChannel};
use messages::{Await, Deliver, Reserve};
use services::Services;

use super::facade::Devices;
use crate::clock::Clock;
use crate::egress::DeliveryOutcome;
use crate::ids::{DeviceId, UserId};
use crate::push::{PushMessage, PushSender};
use crate::runtime::{Address, Admission, Arbiters, Directory, ask};
use crate::settings::CurrentSettings;
use crate::store::Store;
use crate::telemetry::Metrics;

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
    /// Channels in memory. Past it a channel is refused.
    pub live_max: usize,
    /// The values of `transactions.method` whose transactions prompt a user on a device.
    pub prompting_methods: Vec<i16>,
}

/// The channels of all devices. Cheap to clone.
#[derive(Clone)]
pub struct Channels(Arc<Hosting>);

struct Hosting {
    services: Arc<Services>,
    directory: Arc<ChannelDirectory>,
    admission: Admission,
}

impl Channels {
    /// With no channel open.
    #[must_use]
    pub fn new(parts: ChannelParts) -> Self {
        let services = Services {
            store: parts.store,
            clock: parts.clock,
            settings: parts.settings,
            devices: parts.devices,
            push: parts.push,
            push_permits: Semaphore::new(PUSHES_IN_FLIGHT_MAX),
            metrics: parts.metrics,
            prompting_methods: parts.prompting_methods,
        };

        Self(Arc::new(Hosting {
            services: Arc::new(services),
            directory: Arc::new(Directory::new(parts.arbiters)),
            admission: Admission::new(parts.live_max),
        }))
    }

    /// Channels in memory.
    #[must_use]
    pub fn live(&self) -> usize {
        self.0.admission.admitted()
    }

    /// Takes one prompt from the budget that this user has on this device.
    pub async fn reserve(&self, device: &DeviceId, user: &UserId) -> Result<(), ReserveError> {
        let reserve = |reply| Reserve {
            user: user.clone(),
            reply,
        };

        // Twice, because an idle channel may end just now.
        for _ in 0..2 {
            let channel = self.channel(device).ok_or(ReserveError::Unavailable)?;
            if let Ok(reserved) = ask(&channel, reserve).await {
                return reserved;
            }
        }
        Err(ReserveError::Unavailable)
    }

    /// Delivers a push. Completes when the service has taken it or delivery is given up, at the
    /// latest when it expires.
    pub async fn deliver(&self, device: &DeviceId, message: PushMessage) -> DeliveryOutcome {
        for _ in 0..2 {
            let Some(channel) = self.channel(device) else {
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
            .channel(device)
            .map(|channel| ask(&channel, |reply| Await { reply }));

        async move {
            match waiting {
                Some(waiting) => drop(waiting.await),
                // No channel will report anything: the caller's own time limit ends the wait.
                None => std::future::pending().await,
            }
        }
    }

    /// The device's channel, opened if there is none. `None` where there are too many.
    fn channel(&self, device: &DeviceId) -> Option<Address<DeviceChannel>> {
        let hosting = &*self.0;
        if let Some(channel) = hosting.directory.find(device) {
            return Some(channel);
        }

        let metrics = &hosting.services.metrics;
        let Some(permit) = hosting.admission.try_enter() else {
            metrics.refused("device_channels");
            return None;
        };

        let (device_id, services) = (device.clone(), Arc::clone(&hosting.services));
        let directory = Arc::clone(&hosting.directory);
        let died = hosting.directory.died();
        let channel = hosting.directory.find_or_start(device, move || {
            DeviceChannel::new(device_id, services, directory, permit)
        });
        if hosting.directory.died() > died {
            metrics.actor_panicked("device_channel");
        }
        channel
    }
}
