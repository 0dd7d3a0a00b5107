//! All messages of a device's channel.

use actix::Message;

use super::Push;
use crate::egress::DeliveryOutcome;
use crate::runtime::Reply;

/// Delivers a push, with as many attempts as it takes. Sent when the transaction is saved. If it is
/// lost, it is sent again.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Deliver {
    pub(super) push: Push,
    /// None where too much is in flight: nothing was tried.
    pub(super) reply: Reply<Option<DeliveryOutcome>>,
}

/// Answers when something arrives for the device. Sent by a device's long poll. If it is lost, the
/// poll ends.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Await {
    pub(super) reply: Reply<()>,
}
