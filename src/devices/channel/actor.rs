//! The shell: receives messages, starts deliveries and waits for them.

use std::sync::Arc;
use std::time::Duration;

use actix::fut::{ActorFutureExt as _, WrapFuture as _, wrap_future};
use actix::{Actor, ActorContext as _, AsyncContext as _, Context, Handler};

use super::delivery::deliver_push;
use super::messages::{Await, Deliver};
use super::services::Services;
use crate::clock::Clock;
use crate::egress::DeliveryOutcome;
use crate::ids::DeviceId;
use crate::runtime::{Directory, Permit, Reply};

/// Long polls of one device at a time. Past it the oldest one is answered.
const POLLS_MAX: usize = 4;
/// Pushes to one device in flight at a time. Past it a push waits.
const IN_FLIGHT_MAX: usize = 32;
/// How long a channel stays with nothing to do, at least. By the time that passes: a clock that is set
/// back keeps none alive.
const IDLE_MAX: Duration = Duration::from_secs(60);

/// Where a channel is found by its device.
pub(super) type ChannelDirectory = Directory<DeviceId, DeviceChannel>;

/// The way to one device.
pub(super) struct DeviceChannel {
    device: DeviceId,
    in_flight: usize,
    polls: Vec<Reply<()>>,
    /// Since the last look.
    was_used: bool,
    services: Arc<Services>,
    directory: Arc<ChannelDirectory>,
    _permit: Permit,
}

impl DeviceChannel {
    pub(super) fn new(
        device: DeviceId,
        services: Arc<Services>,
        directory: Arc<ChannelDirectory>,
        permit: Permit,
    ) -> Self {
        Self {
            device,
            in_flight: 0,
            polls: Vec::new(),
            was_used: true,
            services,
            directory,
            _permit: permit,
        }
    }

    fn finish(&mut self, outcome: DeliveryOutcome, reply: Reply<Option<DeliveryOutcome>>) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.was_used = true;
        reply.send(Some(outcome));
    }

    fn wake_polls(&mut self) {
        for poll in self.polls.drain(..) {
            poll.send(());
        }
    }

    /// Ends the channel if nothing has used it since the last look, else looks again later.
    fn stop_when_idle(context: &mut Context<Self>, clock: &Clock) {
        let pause = clock.sleep(IDLE_MAX);
        let look = |(), actor: &mut Self, context: &mut Context<Self>| {
            actor.polls.retain(Reply::is_awaited);

            let was_used = std::mem::take(&mut actor.was_used);
            if !was_used && actor.in_flight == 0 && actor.polls.is_empty() {
                actor.directory.leave(&actor.device, &context.address());
                context.stop();
            } else {
                Self::stop_when_idle(context, &actor.services.base.clock);
            }
        };

        context.spawn(wrap_future::<_, Self>(pause).map(look));
    }
}

impl Actor for DeviceChannel {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        Self::stop_when_idle(context, &self.services.base.clock);
    }
}

impl Handler<Deliver> for DeviceChannel {
    type Result = ();

    fn handle(&mut self, deliver: Deliver, context: &mut Self::Context) {
        let Deliver { push, reply } = deliver;
        self.was_used = true;

        // Whatever the transport: a device that waits need not be pushed to.
        self.wake_polls();

        if self.in_flight >= IN_FLIGHT_MAX {
            self.services.base.metrics.refused("device_pushes");
            reply.send(None);
            return;
        }

        self.in_flight += 1;
        let (services, device) = (Arc::clone(&self.services), self.device.clone());
        let delivery = async move { deliver_push(&services, &device, push).await };
        let finish = |outcome, actor: &mut Self, _: &mut _| actor.finish(outcome, reply);
        context.spawn(delivery.into_actor(self).map(finish));
    }
}

impl Handler<Await> for DeviceChannel {
    type Result = ();

    fn handle(&mut self, poll: Await, _: &mut Self::Context) {
        self.was_used = true;

        self.polls.retain(Reply::is_awaited);

        if self.polls.len() >= POLLS_MAX {
            self.polls.remove(0).send(());
        }

        self.polls.push(poll.reply);
    }
}
