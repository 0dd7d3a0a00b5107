//! All messages of a transaction's actor.

use std::time::Duration;

use actix::Message;

use super::error::log_unexpected;
use super::methods::MessageKind;
use super::state::Refusal;
use super::types::Decision;
use crate::ids::{ClientId, DeviceId, ProfileId, UserId};
use crate::runtime::Reply;
use crate::secret::SecretString;
use crate::store::StoreError;
use crate::store::rows::IdempotencyRow;

/// Does something to the transaction, durably, and then answers. Sent for websites and devices, for
/// deliveries and for the sweeper. If the reply ends without an answer, nothing is known: the row has
/// to be read again.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Command {
    pub(super) caller: Caller,
    pub(super) action: Action,
    pub(super) reply: Reply<Result<(), CommandError>>,
}

/// Who acts. A transaction obeys only its own website and its own device.
#[derive(Clone, Debug)]
pub(super) enum Caller {
    /// The website that started it. If it names a user, only for that user's transaction.
    Website {
        client: ClientId,
        user: Option<UserId>,
    },
    /// The device that was asked.
    Device(DeviceId),
    /// The server itself.
    Server,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub(super) enum Action {
    /// The user typed this code.
    VerifyCode(SecretString),
    /// The device sent a validly signed answer. The JWS is kept as evidence.
    Answer { decision: Decision, jws: String },
    /// The device sent an answer that is not validly signed.
    WrongAnswer,
    /// A device presents the one-time password for one of its users.
    Claim {
        user: UserId,
        device: DeviceId,
        profile: ProfileId,
    },
    /// The website wants the message sent again. On success the caller sends it, because it waits
    /// for the provider's answer.
    Resend {
        /// The number that a text message goes to.
        number: Option<SecretString>,
        /// What the website takes it for.
        kind: MessageKind,
        /// Written together with the change.
        key: Option<Box<IdempotencyRow>>,
    },
    /// The website cancels it.
    Cancel,
    /// The deadline may have passed.
    Look,
    /// The message cannot be delivered, says who had the lease with this fence.
    DeliveryFailed { fence: i64 },
}

/// Why a command did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum CommandError {
    /// There is no such transaction for this caller, or it is of another method.
    #[error("there is no such transaction")]
    NotFound,
    /// The state machine refused.
    #[error(transparent)]
    Refused(Refusal),
    /// The code or the answer was wrong. It is counted.
    #[error("the answer is wrong")]
    WrongAnswer {
        /// Further attempts, where there is a limit.
        attempts_left: Option<u32>,
    },
    /// The transaction's user is disabled.
    #[error("the user is disabled")]
    UserDisabled,
    /// The message may not be sent again now: the user was prompted too often.
    #[error("the user was prompted too often")]
    TooManyPrompts {
        /// The next prompt is possible after this.
        retry_after: Duration,
    },
    /// The text message may not be sent again now: there were too many.
    #[error("there were too many text messages")]
    TooManyMessages {
        /// The next one is possible after this.
        retry_after: Duration,
    },
    /// The change was not made.
    #[error("the database is unavailable")]
    Unavailable,
    /// Nobody knows whether the change was made.
    #[error("the change may have been made or not")]
    Undecided,
}

impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        log_unexpected(&error);
        match error {
            StoreError::Undecided => Self::Undecided,
            _ => Self::Unavailable,
        }
    }
}

/// Answers when the transaction ends. Sent by those who wait for the result. If it is lost, they
/// wait until their time is up.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Subscribe {
    pub(super) reply: Reply<()>,
}

/// Ends the actor, because the row has changed on another server. If it is lost, the actor refuses
/// the next command as well, which is told again.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Leave {
    /// Never answered: its end tells that the actor has left.
    pub(super) _reply: Reply<()>,
}
