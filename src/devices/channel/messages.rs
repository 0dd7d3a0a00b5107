//! All messages of a device's channel.

use std::sync::Arc;

use actix::Message;

use super::types::ReserveError;
use crate::egress::{DeliveryLease, DeliveryOutcome};
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
/// lost, it is sent again.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Deliver {
    pub(super) message: PushMessage,
    pub(super) lease: Arc<dyn DeliveryLease>,
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
