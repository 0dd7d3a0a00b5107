//! The state machine of a transaction, pure: `step(state, limits, event, now)` gives the next state
//! and what follows from it, or a refusal that changes nothing. No clock, no randomness, no
//! database, no actor.

use super::types::{Reason, Status};
use crate::clock::Timestamp;

/// The state of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Waits for an answer.
    Pending(Pending),
    /// Has ended. Never changes again.
    Final(Ending),
}

/// What is known of a pending transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pending {
    /// Wrong answers so far.
    pub attempts: u32,
    /// How often the message was sent again.
    pub resends: u32,
    /// Whether it belongs to a user: from the start, or since a device scanned the password.
    pub claimed: bool,
}

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The user accepted, or the right code was typed.
    Accepted,
    /// The user denied.
    Denied,
    /// The user denied and reported that somebody else asked.
    Reported,
    /// Nobody answered in time.
    Expired,
    /// The website cancelled it.
    Cancelled,
    /// Wrong answers used up the attempts.
    InvalidAnswer,
    /// The message could not be delivered.
    FailedToSend,
}

impl Ending {
    /// The status that it appears as.
    pub(super) const fn status(self) -> Status {
        match self {
            Self::Accepted => Status::Accepted,
            Self::Denied | Self::Reported => Status::Denied,
            Self::Expired => Status::Expired,
            Self::Cancelled => Status::Cancelled,
            Self::InvalidAnswer | Self::FailedToSend => Status::Failed,
        }
    }

    /// Why it is not [`Self::Accepted`].
    pub(super) const fn reason(self) -> Option<Reason> {
        match self {
            Self::Accepted => None,
            Self::Denied => Some(Reason::NotAccepted),
            Self::Reported => Some(Reason::Reported),
            Self::Expired => Some(Reason::Expired),
            Self::Cancelled => Some(Reason::Cancelled),
            Self::InvalidAnswer => Some(Reason::InvalidAnswer),
            Self::FailedToSend => Some(Reason::FailedToSend),
        }
    }
}

/// The limits of a transaction, fixed when it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// Wrong answers until it fails; 0 = no limit.
    pub attempts_max: u32,
    /// How often the message may be sent again; 0 = never.
    pub resends_max: u32,
    /// From this time on it is expired.
    pub expires_at: Timestamp,
}

/// What happened to a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// The user accepted with a signed answer, or typed the right code.
    Accepted,
    /// The code was wrong, or the answer not validly signed.
    WrongAnswer,
    /// The user denied with a signed answer.
    Denied,
    /// The user reported, with a signed answer, that somebody else asked.
    Reported,
    /// A device presented the one-time password.
    Claimed,
    /// The website asked to send the message again.
    ResendAsked,
    /// The website cancelled it.
    Cancelled,
    /// The message cannot be delivered.
    DeliveryFailed,
    /// Nothing; the deadline may have passed.
    Look,
}

/// What has to be done once a step is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Send the same message again.
    SendAgain,
    /// Wake the callback worker and those who wait for the result, and end.
    Finish,
}

/// What whoever caused a step is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It was done.
    Done,
    /// The answer was wrong.
    Wrong {
        /// Further attempts, where there is a limit.
        attempts_left: Option<u32>,
    },
    /// It was too late: the transaction has now expired.
    TooLate,
}

/// A decision: save `next`, then do `effect` and tell `verdict`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub next: State,
    pub effect: Option<Effect>,
    pub verdict: Verdict,
}

/// Why nothing changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("the transaction has ended")]
    AlreadyFinal(Ending),
    #[error("the resend limit is reached")]
    ResendLimitReached,
    #[error("the one-time password is already claimed")]
    AlreadyClaimed,
    #[error("there is nothing to change")]
    NothingToDo,
}

/// Decides what an event leads to. The only place where a transaction's state changes.
pub(super) fn step(
    state: State,
    limits: Limits,
    event: Event,
    now: Timestamp,
) -> Result<Step, Refusal> {
    let pending = match state {
        State::Final(ending) => return Err(Refusal::AlreadyFinal(ending)),
        State::Pending(pending) => pending,
    };

    // From the deadline on, whatever happens only expires the transaction.
    if now >= limits.expires_at {
        let verdict = if event == Event::Look {
            Verdict::Done
        } else {
            Verdict::TooLate
        };

        return Ok(end(Ending::Expired, verdict));
    }

    match event {
        Event::Accepted => Ok(end(Ending::Accepted, Verdict::Done)),
        Event::Denied => Ok(end(Ending::Denied, Verdict::Done)),
        Event::Reported => Ok(end(Ending::Reported, Verdict::Done)),
        Event::Cancelled => Ok(end(Ending::Cancelled, Verdict::Done)),
        Event::DeliveryFailed => Ok(end(Ending::FailedToSend, Verdict::Done)),
        Event::WrongAnswer => Ok(count_wrong_answer(pending, limits)),
        Event::ResendAsked => resend(pending, limits),
        Event::Claimed if pending.claimed => Err(Refusal::AlreadyClaimed),
        Event::Claimed => Ok(go_on(Pending {
            claimed: true,
            ..pending
        })),
        // The timer was early, or another event has moved it: nothing has to be saved.
        Event::Look => Err(Refusal::NothingToDo),
    }
}

/// How many wrong answers more the transaction bears. `None` where they are not limited, and where it
/// has ended.
pub(super) fn attempts_left(state: State, limits: Limits) -> Option<u32> {
    match state {
        State::Pending(pending) => left(limits, pending.attempts),
        State::Final(_) => None,
    }
}

fn left(limits: Limits, attempts: u32) -> Option<u32> {
    (limits.attempts_max > 0).then(|| limits.attempts_max.saturating_sub(attempts))
}

fn count_wrong_answer(pending: Pending, limits: Limits) -> Step {
    let attempts = pending.attempts.saturating_add(1);
    let attempts_left = left(limits, attempts);
    let verdict = Verdict::Wrong { attempts_left };

    if attempts_left == Some(0) {
        end(Ending::InvalidAnswer, verdict)
    } else {
        Step {
            next: State::Pending(Pending {
                attempts,
                ..pending
            }),
            effect: None,
            verdict,
        }
    }
}

fn resend(pending: Pending, limits: Limits) -> Result<Step, Refusal> {
    if pending.resends >= limits.resends_max {
        return Err(Refusal::ResendLimitReached);
    }

    let next = State::Pending(Pending {
        resends: pending.resends + 1,
        ..pending
    });
    Ok(Step {
        next,
        effect: Some(Effect::SendAgain),
        verdict: Verdict::Done,
    })
}

const fn go_on(pending: Pending) -> Step {
    Step {
        next: State::Pending(pending),
        effect: None,
        verdict: Verdict::Done,
    }
}

const fn end(ending: Ending, verdict: Verdict) -> Step {
    Step {
        next: State::Final(ending),
        effect: Some(Effect::Finish),
        verdict,
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
