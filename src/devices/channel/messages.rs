//! All messages of a device's channel.

use actix::Message;

use super::types::ReserveError;
use crate::egress::DeliveryOutcome;
use crate::ids::UserId;
use crate::push::PushMessage;
use crate::runtime::Reply;

/// Takes a prompt from the user's budget. Sent before a push transaction is made. If it is lost,
/// the budget may be one prompt short.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Reserve {
    pub(super) user: UserId,
    pub(super) reply: Reply<Result<(), ReserveError>>,
}

/// Delivers a push, with as many attempts as it takes. Sent when the transaction is saved. If it is
/// lost, the push is not sent.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Deliver {
    pub(super) message: PushMessage,
    pub(super) reply: Reply<DeliveryOutcome>,
}

/// Answers when something arrives for the device. Sent by a device's long poll. If it is lost, the
/// poll ends.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Await {
    pub(super) reply: Reply<()>,
}
