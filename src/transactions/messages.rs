//! All messages of a transaction's actor.

use actix::Message;
use tokio::sync::oneshot;

use super::delivery::First;
use super::state::{Refusal, Verdict};
use super::types::Decision;
use crate::ids::{ClientId, DeviceId, ProfileId, UserId};
use crate::runtime::Reply;
use crate::secret::SecretString;
use crate::settings::AuthenticationMethod;
use crate::store::rows::IdempotencyRow;

/// Does something to the transaction, durably, then answers. Sent by the facade for websites and
/// phones, by delivery and by the sweeper. A lost one changed nothing, or its sender is told so by
/// the reply's end and asks again.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Command {
    pub(super) by: By,
    pub(super) action: Action,
    /// Written together with the change.
    pub(super) idempotency: Option<Box<IdempotencyRow>>,
    /// Hears what becomes of the message, where one is sent.
    pub(super) sent: Option<oneshot::Sender<First>>,
    pub(super) reply: Reply<Result<Verdict, CommandError>>,
}

/// Who acts: a transaction listens to its own website and its own phone only.
#[derive(Clone, Debug)]
pub(super) enum By {
    /// The website that started it; where it names a user, that user's transaction.
    Website {
        client: ClientId,
        user: Option<UserId>,
    },
    /// The device that was asked.
    Phone(DeviceId),
    /// The server itself.
    Server,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub(super) enum Action {
    /// The user typed this code.
    VerifyCode(SecretString),
    /// The phone answered, properly signed; the JWS is kept as evidence.
    Answer { decision: Decision, jws: String },
    /// The phone answered, but not properly signed.
    WrongAnswer,
    /// A phone presents the one-time password for one of its users.
    Claim {
        user: UserId,
        device: DeviceId,
        profile: ProfileId,
    },
    /// The same message again, by the method the website believes it to be.
    Resend(AuthenticationMethod),
    /// The website calls it off.
    Cancel,
    /// Is it time?
    Look,
    /// The provider is still trying, longer than the start waits.
    DeliveryDelayed,
    /// The provider took the message after a delay.
    Delivered,
    /// The provider gave up for good.
    DeliveryFailed,
}

/// Why a command changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum CommandError {
    /// Not this website's, user's or device's transaction, or not of this method.
    #[error("the transaction is somebody else's")]
    NotTheirs,
    /// The state machine refused.
    #[error(transparent)]
    Refused(Refusal),
    /// Another writer was first: the row has to be read again.
    #[error("the row has changed")]
    Stale,
    /// Not saved, or not known to be saved.
    #[error("the database is out of reach")]
    Unavailable,
}

/// Answers when the transaction ends. Sent by those who wait for the result; a lost one costs them
/// their patience only.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Subscribe {
    pub(super) reply: Reply<()>,
}
