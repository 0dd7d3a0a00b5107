//! The shell around a transaction's state machine: reads the clock, decides, saves, answers, and
//! waits for its one deadline.

use std::sync::Arc;

use actix::fut::{ActorFutureExt as _, WrapFuture as _};
use actix::{Actor, ActorContext as _, AsyncContext as _, AtomicResponse, Context, Handler};

use super::decide::decide;
use super::messages::{Action, Caller, Command, CommandError, Leave, Subscribe};
use super::persist::{self, Change, Record};
use super::services::Services;
use super::state::{Effect, Ending, Event, Refusal, State, Step, Verdict};
use crate::clock::Timestamp;
use crate::ids::TransactionId;
use crate::runtime::{Directory, Permit, Reply, ask};
use crate::store::StoreError;
use crate::store::journal::{Budget, Outcome};

/// Requests that may wait for the result of one transaction at a time.
const SUBSCRIBERS_MAX: usize = 16;

/// Where the actor of a transaction is found.
pub(super) type TransactionDirectory = Directory<TransactionId, TransactionActor>;

/// One pending transaction.
pub(super) struct TransactionActor {
    record: Record,
    subscribers: Vec<Reply<()>>,
    services: Arc<Services>,
    directory: Arc<TransactionDirectory>,
    _permit: Permit,
}

impl TransactionActor {
    /// Hosts a record that is saved.
    pub(super) fn new(
        record: Record,
        services: Arc<Services>,
        directory: Arc<TransactionDirectory>,
        permit: Permit,
    ) -> Self {
        Self {
            record,
            subscribers: Vec::new(),
            services,
            directory,
            _permit: permit,
        }
    }

    /// The only way to another state: save first, with the mailbox paused, then answer and act.
    fn advance(
        &self,
        event: Event,
        step: Step,
        command: Command,
        now: Timestamp,
    ) -> AtomicResponse<Self, ()> {
        let change = Change {
            record: &self.record,
            event,
            step,
            action: &command.action,
        };

        let entry = persist::change(&change, now, &self.services.base);

        let services = Arc::clone(&self.services);
        let saving = async move { services.base.store.commit(entry).await };
        let settled = saving
            .into_actor(self)
            .map(move |saved, actor: &mut Self, context| {
                actor.settle(saved, step, command, context);
            });

        // The mailbox stands still until this has ended: the next command is decided on what was
        // saved.
        AtomicResponse::new(Box::pin(settled))
    }

    fn settle(
        &mut self,
        saved: Result<Outcome, StoreError>,
        step: Step,
        command: Command,
        context: &mut Context<Self>,
    ) {
        match saved {
            Ok(Outcome::Committed) => {
                // Only here: where the save failed, the record says what the row says.
                self.record.apply(step.next, &command.action);

                // Whoever asked to send the message again sends it.
                if step.effect == Some(Effect::Finish) {
                    self.finish(context);
                }

                // Only now: what is answered is durable, whatever happens next.
                command.reply.send(answer(step.verdict));
            }
            // Only a start is refused for wrong answers before.
            Ok(Outcome::UserDisabled | Outcome::TooManyFailures) => {
                command.reply.send(Err(CommandError::UserDisabled));
            }
            Ok(Outcome::TooMany { of, retry_after }) => {
                let (what, refusal) = match of {
                    Budget::Prompts => ("prompts", CommandError::TooManyPrompts { retry_after }),
                    Budget::Messages => ("messages", CommandError::TooManyMessages { retry_after }),
                };
                self.services.base.metrics.refused(what);
                command.reply.send(Err(refusal));
            }
            // Another writer was first, and the row alone is true. The reply ends unanswered, so
            // that the command is sent again to an actor that starts from the row.
            Ok(Outcome::Refused | Outcome::Replayed) => self.leave(context),
            Err(error) => {
                tracing::warn!(transaction_id = %self.record.id, %error, "a transaction could not be saved");
                self.leave(context);
                command.reply.send(Err(match error {
                    StoreError::Undecided => CommandError::Undecided,
                    _ => CommandError::Unavailable,
                }));
            }
        }
    }

    fn finish(&mut self, context: &mut Context<Self>) {
        if let State::Final(ending) = self.record.state {
            let (method, status) = (self.record.method.name, ending.status().as_str());
            self.services
                .base
                .metrics
                .transaction_finished(method, status);
        }

        for subscriber in self.subscribers.drain(..) {
            subscriber.send(());
        }

        if self.record.callback_uri.is_some() {
            self.services.callbacks.wake();
        }

        self.leave(context);
    }

    fn leave(&self, context: &mut Context<Self>) {
        self.directory.leave(&self.record.id, &context.address());
        context.stop();
    }
}

/// What the sender of a command is told once it is saved.
const fn answer(verdict: Verdict) -> Result<(), CommandError> {
    match verdict {
        Verdict::Done => Ok(()),
        Verdict::Wrong { attempts_left } => Err(CommandError::WrongAnswer { attempts_left }),
        Verdict::TooLate => {
            let refusal = Refusal::AlreadyFinal(Ending::Expired);
            Err(CommandError::Refused(refusal))
        }
    }
}

impl Actor for TransactionActor {
    type Context = Context<Self>;

    /// Waits for the deadline and then looks. The timer is only a hint: expiry is decided by
    /// comparing with the clock.
    fn started(&mut self, context: &mut Self::Context) {
        let deadline = self
            .services
            .base
            .clock
            .sleep_until(self.record.limits.expires_at);

        let look = |(), actor: &mut Self, context: &mut Context<Self>| {
            let looking = ask(&context.address(), |reply| Command {
                caller: Caller::Server,
                action: Action::Look,
                reply,
            });

            context.spawn(looking.into_actor(actor).map(|_, _, _| ()));
        };

        context.spawn(deadline.into_actor(self).map(look));
    }
}

impl Handler<Command> for TransactionActor {
    type Result = AtomicResponse<Self, ()>;

    fn handle(&mut self, command: Command, _: &mut Self::Context) -> Self::Result {
        let now = self.services.base.clock.now();

        let decided = decide(&self.record, &command, &self.services.base.keyring, now);
        match decided {
            Ok((event, step)) => self.advance(event, step, command, now),
            Err(error) => {
                // A refusal changes nothing, so that nothing has to be saved.
                command.reply.send(Err(error));
                AtomicResponse::new(Box::pin(actix::fut::ready(())))
            }
        }
    }
}

impl Handler<Leave> for TransactionActor {
    type Result = ();

    fn handle(&mut self, _: Leave, context: &mut Self::Context) {
        self.leave(context);
    }
}

impl Handler<Subscribe> for TransactionActor {
    type Result = ();

    fn handle(&mut self, subscribe: Subscribe, _: &mut Self::Context) {
        // Those whose time was up have gone.
        self.subscribers.retain(Reply::is_awaited);

        // Past the limit a subscriber is dropped. It then looks at the row now and then.
        if self.subscribers.len() < SUBSCRIBERS_MAX {
            self.subscribers.push(subscribe.reply);
        }
    }
}
