//! The shell around a transaction's state machine: reads the clock, decides by [`step`], saves,
//! answers, acts, and waits for its one deadline.

use std::sync::Arc;

use actix::fut::{ActorFutureExt as _, WrapFuture as _};
use actix::{Actor, ActorContext as _, AsyncContext as _, AtomicResponse, Context, Handler};

use tokio::sync::oneshot;

use super::Shared;
use super::delivery::{self, Delivery, First};
use super::messages::{Action, By, Command, CommandError, Subscribe};
use super::persist::{self, Change, Record};
use super::state::{Effect, Event, Pending, Refusal, State, Step, step};
use super::types::Decision;
use crate::otp::SmsCode;
use crate::runtime::{Permit, Reply};
use crate::settings::AuthenticationMethod;
use crate::store::StoreError;
use crate::store::journal::Outcome;

/// Websites that may wait for one transaction's result at a time.
const SUBSCRIBERS_MAX: usize = 16;

/// One pending transaction.
pub(super) struct TransactionActor {
    record: Record,
    subscribers: Vec<Reply<()>>,
    shared: Arc<Shared>,
    _permit: Permit,
}

impl TransactionActor {
    /// Around a record that is saved.
    pub(super) fn new(record: Record, shared: Arc<Shared>, permit: Permit) -> Self {
        Self {
            record,
            subscribers: Vec::new(),
            shared,
            _permit: permit,
        }
    }

    /// What the command means to the state machine; codes are compared here.
    fn interpret(&self, command: &Command) -> Result<Event, CommandError> {
        if !self.record.belongs_to(&command.by) {
            return Err(CommandError::NotTheirs);
        }
        match &command.action {
            Action::VerifyCode(_) if self.record.method != AuthenticationMethod::Sms => {
                Err(CommandError::NotTheirs)
            }
            Action::VerifyCode(typed) => {
                let right =
                    SmsCode::of(&self.shared.base.keyring, self.record.id).matches(typed.expose());
                Ok(if right {
                    Event::Accepted
                } else {
                    Event::WrongAnswer
                })
            }
            Action::Answer {
                decision: Decision::Accept,
                ..
            } => Ok(Event::Accepted),
            Action::Answer {
                decision: Decision::Deny,
                ..
            } => Ok(Event::Denied),
            Action::Answer {
                decision: Decision::Report,
                ..
            } => Ok(Event::Reported),
            Action::WrongAnswer => Ok(Event::WrongAnswer),
            Action::Claim { .. } => Ok(Event::Claimed),
            Action::Resend(method) if *method != self.record.method => Err(CommandError::NotTheirs),
            Action::Resend(_) => Ok(Event::ResendAsked),
            Action::Cancel => Ok(Event::Cancelled),
            Action::Look => Ok(Event::Look),
            Action::DeliveryDelayed => Ok(Event::DeliveryDelayed),
            Action::Delivered => Ok(Event::Delivered),
            Action::DeliveryFailed => Ok(Event::DeliveryFailed),
        }
    }

    fn decide(&self, command: &Command) -> Result<(Event, Step), CommandError> {
        let event = self.interpret(command)?;
        match step(
            self.record.state,
            self.record.limits,
            event,
            self.shared.base.clock.now(),
        ) {
            Ok(decided) => Ok((event, decided)),
            // The phone that claimed it lost the answer and asks again.
            Err(Refusal::AlreadyClaimed) if self.record.is_claimed_by(&command.action) => {
                Err(CommandError::Refused(Refusal::NothingToDo))
            }
            Err(refusal) => Err(CommandError::Refused(refusal)),
        }
    }

    /// The only way to another state: save first, with the mailbox paused; then answer and act.
    fn advance(&self, event: Event, decided: Step, command: Command) -> AtomicResponse<Self, ()> {
        let change = Change {
            record: &self.record,
            event,
            step: decided,
            command: &command,
        };
        let entry = persist::change(&change, &self.shared);
        let store = self.shared.base.store.clone();
        let saving = async move { store.commit(entry).await };
        let settled = saving
            .into_actor(self)
            .map(move |saved, actor: &mut Self, context| {
                actor.settle(saved, decided, command, context);
            });
        AtomicResponse::new(Box::pin(settled))
    }

    fn settle(
        &mut self,
        saved: Result<Outcome, StoreError>,
        decided: Step,
        mut command: Command,
        context: &mut Context<Self>,
    ) {
        match saved {
            Ok(Outcome::Committed) => {
                self.record.apply(&decided, &command.action);
                self.shared.note(&self.record, &decided);
                self.act(decided.effect, command.sent.take(), context);
                command.reply.send(Ok(decided.verdict));
            }
            Ok(Outcome::UserDisabled) => command.reply.send(Err(CommandError::NotTheirs)),
            // Whoever asks next starts from the row, which alone is true.
            Ok(Outcome::Refused | Outcome::Replayed) => {
                self.leave(context);
                command.reply.send(Err(CommandError::Stale));
            }
            Err(error) => {
                tracing::warn!(transaction_id = %self.record.id, %error, "a transaction could not be saved");
                self.leave(context);
                command.reply.send(Err(CommandError::Unavailable));
            }
        }
    }

    fn act(
        &mut self,
        effect: Option<Effect>,
        sent: Option<oneshot::Sender<First>>,
        context: &mut Context<Self>,
    ) {
        match effect {
            None => {}
            Some(Effect::SendAgain) => self.deliver(false, sent),
            Some(Effect::Finish) => {
                for subscriber in self.subscribers.drain(..) {
                    subscriber.send(());
                }
                if self.record.callback_uri.is_some() {
                    self.shared.callbacks.wake();
                }
                self.leave(context);
            }
        }
    }

    fn deliver(&self, decisive: bool, sent: Option<oneshot::Sender<First>>) {
        let expires_at = self.record.limits.expires_at;
        delivery::start(
            &self.shared,
            Delivery {
                id: self.record.id,
                expires_at,
                parcel: None,
                decisive,
            },
            sent,
        );
    }

    fn leave(&self, context: &mut Context<Self>) {
        self.shared
            .directory
            .leave(&self.record.id, &context.address());
        context.stop();
    }

    /// Sends itself a look at the deadline. Only a hint: expiry is decided by comparing with the
    /// clock.
    fn arm(&self, context: &mut Context<Self>) {
        let deadline = self
            .shared
            .base
            .clock
            .sleep_until(self.record.limits.expires_at);
        context.spawn(
            deadline
                .into_actor(self)
                .map(|(), actor, context| actor.look(context)),
        );
    }

    fn look(&self, context: &mut Context<Self>) {
        let asked = crate::runtime::ask(&context.address(), |reply| Command {
            by: By::Server,
            action: Action::Look,
            idempotency: None,
            sent: None,
            reply,
        });
        context.spawn(asked.into_actor(self).map(|_, _, _| ()));
    }
}

impl Actor for TransactionActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        self.arm(context);
        if let State::Pending(Pending {
            delivery_due: true, ..
        }) = self.record.state
        {
            self.deliver(true, None);
        }
    }
}

impl Handler<Command> for TransactionActor {
    type Result = AtomicResponse<Self, ()>;

    fn handle(&mut self, command: Command, _: &mut Self::Context) -> Self::Result {
        match self.decide(&command) {
            Ok((event, decided)) => self.advance(event, decided, command),
            Err(error) => {
                command.reply.send(Err(error));
                AtomicResponse::new(Box::pin(actix::fut::ready(())))
            }
        }
    }
}

impl Handler<Subscribe> for TransactionActor {
    type Result = ();

    fn handle(&mut self, subscribe: Subscribe, _: &mut Self::Context) {
        // One too many is dropped, which its sender takes for an end and reads the row.
        if self.subscribers.len() < SUBSCRIBERS_MAX {
            self.subscribers.push(subscribe.reply);
        }
    }
}
