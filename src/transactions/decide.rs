//! What a command leads to, decided purely: who may do it, which event it is, and what the state
//! machine makes of that.

use super::messages::{Action, Command, CommandError};
use super::methods::AnsweredBy;
use super::persist::Record;
use super::state::{Event, Refusal, Step, step};
use super::types::Decision;
use crate::clock::Timestamp;
use crate::secret::Keyring;

/// The event of a command and the step that it leads to.
pub(super) fn decide(
    record: &Record,
    command: &Command,
    keyring: &Keyring,
    now: Timestamp,
) -> Result<(Event, Step), CommandError> {
    if !record.obeys(&command.caller) {
        return Err(CommandError::NotFound);
    }

    let event = event_of(record, &command.action, keyring)?;

    match step(record.state, record.limits, event, now) {
        Ok(step) => Ok((event, step)),
        // The device that claimed it did not get the answer and asks again.
        Err(Refusal::AlreadyClaimed) if record.is_claimed_by(&command.action) => {
            Err(CommandError::Refused(Refusal::NothingToDo))
        }
        Err(refusal) => Err(CommandError::Refused(refusal)),
    }
}

/// The event of an action. Codes are compared here.
fn event_of(record: &Record, action: &Action, keyring: &Keyring) -> Result<Event, CommandError> {
    let event = match action {
        Action::VerifyCode(typed) => match record.method.answered_by {
            AnsweredBy::Code { is_right } if is_right(keyring, record.id, typed.expose()) => {
                Event::Accepted
            }
            AnsweredBy::Code { .. } => Event::WrongAnswer,
            // The website would get a second way to answer for the user.
            AnsweredBy::Device { .. } => return Err(CommandError::NotFound),
        },
        Action::Answer { decision, .. } => match decision {
            Decision::Accept => Event::Accepted,
            Decision::Deny => Event::Denied,
            Decision::Report => Event::Reported,
        },
        Action::WrongAnswer => Event::WrongAnswer,
        Action::Claim { .. } => Event::Claimed,
        Action::Resend { kind, .. } if record.method.sends(*kind) => Event::ResendAsked,
        Action::Resend { .. } => return Err(CommandError::NotFound),
        Action::Cancel => Event::Cancelled,
        Action::Look => Event::Look,
        Action::DeliveryFailed { fence } if *fence == record.delivery_fence => {
            Event::DeliveryFailed
        }
        // Somebody else delivers the message now, or a resend does.
        Action::DeliveryFailed { .. } => return Err(CommandError::NotFound),
    };

    Ok(event)
}
