//! Messages that are handled even when whoever sent them has gone.
//!
//! actix drops a message whose sender no longer waits. A command from a phone or a website must not
//! get lost because its connection did: it carries its own way to answer and is sent without
//! waiting.

use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Handler, Message};
use tokio::sync::oneshot;

/// Where an actor sends its answer. Whether somebody still listens is of no interest to it.
#[derive(Debug)]
pub struct Reply<T>(oneshot::Sender<T>);

impl<T> Reply<T> {
    pub fn send(self, answer: T) {
        // The other end may have hung up: what was done stays done.
        drop(self.0.send(answer));
    }

    /// Whether somebody still listens.
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        !self.0.is_closed()
    }
}

/// The actor ended before it answered. It may or may not have done what it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the actor ended before it answered")]
pub struct Gone;

/// Sends the message made around a [`Reply`] at once, and waits for the answer. Dropping the future
/// does not call it back.
///
/// How many messages wait in a mailbox is bounded by how many requests the server lets in: each
/// sends one and waits.
pub fn ask<A, M, T, F>(
    address: &Addr<A>,
    message: F,
) -> impl Future<Output = Result<T, Gone>> + use<A, M, T, F>
where
    F: FnOnce(Reply<T>) -> M,
    A: Actor + Handler<M>,
    A::Context: ToEnvelope<A, M>,
    M: Message<Result = ()> + Send + 'static,
{
    let (sender, receiver) = oneshot::channel();

    #[expect(
        clippy::disallowed_methods,
        reason = "callers are bounded, and the reply tells whether it was handled"
    )]
    address.do_send(message(Reply(sender)));

    async move { receiver.await.map_err(|_| Gone) }
}
