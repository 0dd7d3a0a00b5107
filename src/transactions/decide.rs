//! What a command leads to, decided purely: who may do it, which event it is, and what the state
//! machine makes of that.

use super::messages::{Action, Command, CommandError};
use super::methods::AnsweredBy;
use super::persist::Record;
use super::state::{Event, Refusal, Step, attempts_left, step};
use super::types::Decision;
use crate::clock::Timestamp;
use crate::otp::Typed;
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
        // What was typed is no code, so that no attempt is counted.
        Err(Refusal::NothingToDo) if matches!(command.action, Action::VerifyCode(_)) => {
            Err(CommandError::WrongAnswer {
                attempts_left: attempts_left(record.state, record.limits),
            })
        }
        Err(refusal) => Err(CommandError::Refused(refusal)),
    }
}

/// The event of an action. Codes are compared here.
fn event_of(record: &Record, action: &Action, keyring: &Keyring) -> Result<Event, CommandError> {
    let event = match action {
        Action::VerifyCode(typed) => match record.method.answered_by {
            AnsweredBy::Code { compare } => match compare(keyring, record.id, typed.expose()) {
                Typed::Right => Event::Accepted,
                Typed::Wrong => Event::WrongAnswer,
                // Nobody guesses with it. The deadline may have passed.
                Typed::NoCode => Event::Look,
            },
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
