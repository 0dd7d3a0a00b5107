//! The shell: receives, asks the budget, hands pushes to their service and waits for what comes of
//! it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix::fut::{ActorFutureExt as _, WrapFuture as _};
use actix::{Actor, ActorContext as _, AsyncContext as _, AtomicResponse, Context, Handler};

use super::messages::{Await, Deliver, Reserve};
use super::persist;
use super::state::{PromptBudget, PromptLimits};
use super::{DeliveryOutcome, ReserveError, Shared};
use crate::clock::Timestamp;
use crate::devices::Destination;
use crate::egress::{FailureKind, ProviderFailure, retry_at};
use crate::ids::{DeviceId, UserId};
use crate::push::PushMessage;
use crate::runtime::{Permit, Reply};
use crate::store::StoreError;

/// Long polls of one phone at a time; the oldest gives way.
const POLLS_MAX: usize = 4;
/// Pushes to one device in flight at a time; one more is refused.
const IN_FLIGHT_MAX: usize = 32;
/// How long a channel stays with nothing to do.
const IDLE_MAX: Duration = Duration::from_secs(60);

/// The way to one device.
pub(super) struct DeviceChannel {
    device: DeviceId,
    budgets: HashMap<UserId, PromptBudget>,
    in_flight: usize,
    polls: Vec<Reply<()>>,
    last_used: Timestamp,
    shared: Arc<Shared>,
    _permit: Permit,
}

impl DeviceChannel {
    pub(super) fn new(device: DeviceId, shared: Arc<Shared>, permit: Permit) -> Self {
        let last_used = shared.base.clock.now();
        Self {
            device,
            budgets: HashMap::new(),
            in_flight: 0,
            polls: Vec::new(),
            last_used,
            shared,
            _permit: permit,
        }
    }

    fn limits(&self) -> PromptLimits {
        let settings = self.shared.base.settings.load();
        let general = &settings.mobile_authentication;
        PromptLimits {
            short_max: general.prompts_per_5_minutes_max,
            long_max: general.prompts_per_hour_max,
        }
    }

    fn take(&mut self, user: &UserId) -> Result<(), ReserveError> {
        let (limits, now) = (self.limits(), self.shared.base.clock.now());
        let budget = self.budgets.entry(user.clone()).or_default();
        budget
            .take(limits, now)
            .map_err(|retry_after| ReserveError::TooManyPrompts { retry_after })
    }

    /// A user's first prompt on this channel: what was sent before it opened counts too.
    fn take_first(&mut self, reserve: Reserve) -> AtomicResponse<Self, ()> {
        let (shared, device, user) = (
            Arc::clone(&self.shared),
            self.device.clone(),
            reserve.user.clone(),
        );
        let limit = self.limits().long_max;
        let since = shared.base.clock.now().before(Duration::from_secs(3600));
        let earlier = async move {
            persist::prompt_times(&shared.base.store, &device, &user, since, limit).await
        };
        AtomicResponse::new(Box::pin(earlier.into_actor(self).map(
            move |earlier, actor: &mut Self, _| {
                let taken = earlier
                    .map_err(|_: StoreError| ReserveError::Unavailable)
                    .and_then(|times| {
                        actor
                            .budgets
                            .insert(reserve.user.clone(), PromptBudget::of(times));
                        actor.take(&reserve.user)
                    });
                reserve.reply.send(taken);
            },
        )))
    }

    fn finish(&mut self, outcome: DeliveryOutcome, reply: Reply<DeliveryOutcome>) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.last_used = self.shared.base.clock.now();
        reply.send(outcome);
    }

    fn wake_polls(&mut self) {
        for poll in self.polls.drain(..) {
            poll.send(());
        }
    }

    /// Ends the channel when nothing was asked of it for a while, else looks again later.
    fn passivate_when_idle(&self, context: &mut Context<Self>) {
        let idle = self
            .shared
            .base
            .clock
            .sleep_until(self.last_used.after(IDLE_MAX));
        context.spawn(idle.into_actor(self).map(|(), actor, context| {
            let now = actor.shared.base.clock.now();
            actor.budgets.retain(|_, budget| !budget.is_idle(now));
            actor.polls.retain(Reply::is_awaited);
            let unused = actor.last_used.after(IDLE_MAX) <= now;
            if unused && actor.in_flight == 0 && actor.polls.is_empty() {
                actor
                    .shared
                    .directory
                    .leave(&actor.device, &context.address());
                context.stop();
            } else {
                if unused {
                    actor.last_used = now;
                }
                actor.passivate_when_idle(context);
            }
        }));
    }
}

impl Actor for DeviceChannel {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        self.passivate_when_idle(context);
    }
}

impl Handler<Reserve> for DeviceChannel {
    type Result = AtomicResponse<Self, ()>;

    fn handle(&mut self, reserve: Reserve, _: &mut Self::Context) -> Self::Result {
        self.last_used = self.shared.base.clock.now();
        if !self.budgets.contains_key(&reserve.user) {
            return self.take_first(reserve);
        }
        let taken = self.take(&reserve.user);
        reserve.reply.send(taken);
        AtomicResponse::new(Box::pin(actix::fut::ready(())))
    }
}

impl Handler<Deliver> for DeviceChannel {
    type Result = ();

    fn handle(&mut self, deliver: Deliver, context: &mut Self::Context) {
        self.last_used = self.shared.base.clock.now();
        // Whatever the transport: a phone that is waiting need not be pushed to know.
        self.wake_polls();
        if self.in_flight >= IN_FLIGHT_MAX {
            self.shared.base.metrics.refused("device_pushes");
            deliver.reply.send(DeliveryOutcome::GivenUp);
            return;
        }
        self.in_flight += 1;
        let Deliver { message, reply } = deliver;
        let delivery = deliver_until_taken(Arc::clone(&self.shared), self.device.clone(), message);
        context.spawn(
            delivery
                .into_actor(self)
                .map(|outcome, actor, _| actor.finish(outcome, reply)),
        );
    }
}

impl Handler<Await> for DeviceChannel {
    type Result = ();

    fn handle(&mut self, poll: Await, _: &mut Self::Context) {
        self.last_used = self.shared.base.clock.now();
        self.polls.retain(Reply::is_awaited);
        if self.polls.len() >= POLLS_MAX {
            self.polls.remove(0).send(());
        }
        self.polls.push(poll.reply);
    }
}

/// One attempt after the other, until the service takes it or there is no use in trying.
async fn deliver_until_taken(
    shared: Arc<Shared>,
    device: DeviceId,
    message: PushMessage,
) -> DeliveryOutcome {
    let mut failures = 0;
    loop {
        // Read anew for each attempt: the phone may have got another address meanwhile.
        let failure = match shared.devices.push_destination(&device).await {
            Ok(Some(Destination::Poll)) => return DeliveryOutcome::Taken,
            Ok(Some(Destination::Push { destination, .. })) => {
                let Ok(_permit) = shared.push_permits.acquire().await else {
                    return DeliveryOutcome::GivenUp;
                };
                match shared.push.send(&destination, &message).await {
                    Ok(()) => {
                        shared
                            .base
                            .metrics
                            .provider_answered(destination.configuration.provider.name(), "sent");
                        return DeliveryOutcome::Taken;
                    }
                    Err(failure) => failure,
                }
            }
            Ok(None) => return DeliveryOutcome::GivenUp,
            Err(_) => ProviderFailure {
                provider: "store",
                kind: FailureKind::Retry { after: None },
                detail: "the push address cannot be read".into(),
            },
        };
        failures += 1;
        note(&shared, &device, &message, &failure).await;
        let now = shared.base.clock.now();
        let Some(at) = retry_at(failures, failure.kind, now, message.expires_at) else {
            return DeliveryOutcome::GivenUp;
        };
        shared.base.clock.sleep_until(at).await;
    }
}

async fn note(
    shared: &Shared,
    device: &DeviceId,
    message: &PushMessage,
    failure: &ProviderFailure,
) {
    tracing::warn!(transaction_id = %message.transaction_id, %failure, "a push was not taken");
    shared
        .base
        .metrics
        .provider_answered(failure.provider, failure.kind.as_str());
    if let FailureKind::DeadAddress { since } = failure.kind
        && let Err(error) = shared
            .devices
            .mark_address_dead(device, since, shared.base.clock.now())
            .await
    {
        tracing::warn!(%error, "a dead push address could not be marked");
    }
}
