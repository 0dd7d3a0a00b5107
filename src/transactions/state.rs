//! A transaction's life, decided purely: `step(state, limits, event, now)` gives the next state and
//! what follows from it, or a refusal that changes nothing. No clock, no randomness, no database,
//! no actor.

use crate::clock::Timestamp;

/// How a transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Waiting for an answer.
    Pending(Pending),
    /// Ended. Never changes again.
    Final(Ending),
}

/// What a pending transaction counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pending {
    /// Wrong answers so far.
    pub attempts: u32,
    /// Times the message was sent again.
    pub resends: u32,
    /// Whether an OTP was scanned; push and SMS belong to somebody from the start.
    pub claimed: bool,
    /// The start was answered while delivery was still being tried.
    pub delivery_due: bool,
}

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Accepted by the user or by the right code.
    Accepted,
    /// Denied by the user.
    Denied,
    /// Denied by the user, who did not ask for it.
    Reported,
    /// Nobody answered in time.
    Expired,
    /// Called off by the website.
    Cancelled,
    /// Wrong answers used up the attempts.
    InvalidAnswer,
    /// The provider gave up for good.
    FailedToSend,
}

/// What a transaction may cost, fixed when it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// Wrong answers before it fails; 0 = until expiry.
    pub attempts_max: u32,
    /// Times the message may be sent again; 0 = not at all.
    pub resends_max: u32,
    /// From here on it is expired.
    pub expires_at: Timestamp,
}

/// What happens to a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// The right code, or a signed yes.
    Accepted,
    /// A wrong code, or an answer that is not properly signed.
    WrongAnswer,
    /// A signed no.
    Denied,
    /// A signed "that was not me".
    Reported,
    /// A phone presents the one-time password.
    Claimed,
    /// The website wants the message sent again.
    ResendAsked,
    /// The website calls it off.
    Cancelled,
    /// Delivery takes longer than the start waits for.
    DeliveryDelayed,
    /// The provider took the message after all.
    Delivered,
    /// The provider gave up for good.
    DeliveryFailed,
    /// Somebody looks whether it is time.
    Look,
}

/// What follows from a step, to be done once it is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Send the same message again.
    SendAgain,
    /// Tell the website, if it wants to be called back; wake those who wait for the result; end.
    Finish,
}

/// What a step comes to for whoever caused it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// What was asked for is so.
    Done,
    /// The answer was wrong.
    Wrong {
        /// Further attempts, where there is a limit.
        attempts_left: Option<u32>,
    },
    /// It was too late: the transaction is now expired.
    TooLate,
}

/// A decision: save `next`, then do `effect`, then answer `verdict`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// The state to save.
    pub next: State,
    pub effect: Option<Effect>,
    pub verdict: Verdict,
}

/// Nothing changes, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// It has ended.
    #[error("the transaction has ended")]
    AlreadyFinal(Ending),
    /// No further resend.
    #[error("the resend limit is reached")]
    ResendLimitReached,
    /// The one-time password was scanned before.
    #[error("the one-time password is claimed already")]
    AlreadyClaimed,
    /// There is nothing to change.
    #[error("nothing changes")]
    NothingToDo,
}

/// Decides. The only place where a transaction's state changes.
///
/// # Errors
/// A [`Refusal`] where the event changes nothing.
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
        Event::DeliveryDelayed if !pending.delivery_due => Ok(go_on(Pending {
            delivery_due: true,
            ..pending
        })),
        Event::Delivered if pending.delivery_due => Ok(go_on(Pending {
            delivery_due: false,
            ..pending
        })),
        Event::DeliveryDelayed | Event::Delivered | Event::Look => Err(Refusal::NothingToDo),
    }
}

fn count_wrong_answer(pending: Pending, limits: Limits) -> Step {
    let attempts = pending.attempts.saturating_add(1);
    let attempts_left =
        (limits.attempts_max > 0).then(|| limits.attempts_max.saturating_sub(attempts));
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
