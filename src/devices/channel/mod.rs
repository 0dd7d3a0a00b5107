//! The way to a device: one actor for each device that has something in flight.
//!
//! It delivers pushes and retries where the service cannot take them now; it learns from the
//! service's answers whether the address is dead; and it wakes the device's long polls. An idle
//! channel ends and is started again when it is needed: the rows are the truth.

mod actor;
mod delivery;
mod messages;
mod notices;
mod services;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use actor::{ChannelDirectory, DeviceChannel};
use messages::{Await, Deliver};
use services::Services;

use super::facade::Devices;
use super::types::Destination;
use crate::base::Base;
use crate::egress::{Bulkheads, DeliveryLease, DeliveryOutcome};
use crate::ids::DeviceId;
use crate::push::{PushMessage, PushSender};
use crate::runtime::{Address, Arbiters, Directory, DirectoryOptions, ask};

/// Devices with something in flight, in memory. Past it a channel is refused.
const LIVE_MAX: usize = 1_000_000;

/// Notices under way. Past it they are not sent.
const NOTICES_MAX: usize = 64;

/// How long a push waits for room.
const BUSY_PAUSE: Duration = Duration::from_millis(250);

/// What channels need.
pub struct ChannelParts {
    pub devices: Devices,
    pub push: Arc<dyn PushSender>,
    pub arbiters: Arc<Arbiters>,
}

/// A push to deliver.
#[derive(Clone)]
pub struct Push {
    pub message: PushMessage,
    /// Where it goes, if that was read just now: the first attempt goes there.
    pub destination: Option<Destination>,
    pub lease: Arc<dyn DeliveryLease>,
}

/// The channels of all devices. Cheap to clone.
#[derive(Clone)]
pub struct Channels {
    services: Arc<Services>,
    directory: Arc<ChannelDirectory>,
}

impl Channels {
    /// With no channel open.
    #[must_use]
    pub fn new(base: &Base, parts: ChannelParts) -> Self {
        let services = Services {
            base: base.clone(),
            devices: parts.devices,
            push: parts.push,
            bulkheads: Bulkheads::new(base.clock.clone(), base.metrics.clone()),
            notices: Arc::new(Semaphore::new(NOTICES_MAX)),
        };

        let directory = Directory::new(DirectoryOptions {
            actor: "device_channel",
            bound: "device_channels",
            live_max: LIVE_MAX,
            live: base.metrics.live_channels().clone(),
            arbiters: parts.arbiters,
            metrics: base.metrics.clone(),
        });

        Self {
            services: Arc::new(services),
            directory: Arc::new(directory),
        }
    }

    /// Delivers a push. Completes when the service has taken it or delivery has ended, at the latest
    /// when it expires.
    ///
    /// That the server has too much to do, or that a channel ends, is no reason to give the push up:
    /// it waits.
    pub async fn deliver(&self, device: &DeviceId, mut push: Push) -> DeliveryOutcome {
        let clock = &self.services.base.clock;

        loop {
            if let Some(channel) = self.channel(device) {
                let deliver = |reply| Deliver {
                    push: push.clone(),
                    reply,
                };

                if let Ok(Some(outcome)) = ask(&channel, deliver).await {
                    return outcome;
                }
            }

            if clock.now() >= push.message.expires_at {
                return DeliveryOutcome::GivenUp;
            }

            clock.sleep(BUSY_PAUSE).await;
            // The device may have another address by then.
            push.destination = None;
        }
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
        if let Some(channel) = self.directory.find(device) {
            return Some(channel);
        }

        let (device_id, services) = (device.clone(), Arc::clone(&self.services));
        let directory = Arc::clone(&self.directory);

        self.directory.find_or_start(device, move |permit| {
            DeviceChannel::new(device_id, services, directory, permit)
        })
    }
}
