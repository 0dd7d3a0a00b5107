//! All messages of a device's channel.

use actix::Message;

use super::{DeliveryOutcome, ReserveError};
use crate::ids::UserId;
use crate::push::PushMessage;
use crate::runtime::Reply;

/// Takes a prompt from the user's budget. Sent before a push transaction is made; a lost one took
/// nothing or one too many.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Reserve {
    pub(super) user: UserId,
    pub(super) reply: Reply<Result<(), ReserveError>>,
}

/// Delivers a push, as often as it takes. Sent when the transaction is saved; a lost one is a push
/// that was not sent.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Deliver {
    pub(super) message: PushMessage,
    pub(super) reply: Reply<DeliveryOutcome>,
}

/// Answers when something arrives for the device. Sent by a phone's long poll; a lost one ends with
/// the poll.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Await {
    pub(super) reply: Reply<()>,
}
