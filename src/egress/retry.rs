//! Whether and when a failed message is tried again. Pure.

use std::time::Duration;

use super::failure::FailureKind;
use crate::clock::Timestamp;

const PAUSE_MIN: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(15);
/// A message that arrives later than this before its deadline is of no use to a person.
const USEFUL_MIN: Duration = Duration::from_secs(5);

/// What is done about a message after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Try again at this time.
    TryAt(Timestamp),
    /// Nothing more; the provider surely did not take it.
    GiveUp,
    /// Nothing more; the provider may have taken it.
    LeaveInDoubt,
}

/// What to do after the `failures`-th failure in a row (counted from 1).
///
/// A message that surely was not taken is tried until its deadline: after a pause that doubles from
/// 250 ms to 15 s, or after the longer one that the provider asks for. One that may have been taken
/// is sent once more at most: better a message that is missing than a user who gets the same one
/// again and again. `was_in_doubt`: an attempt before this one may have been taken.
pub(super) fn after_failure(
    failures: u32,
    kind: FailureKind,
    was_in_doubt: bool,
    now: Timestamp,
    deadline: Timestamp,
) -> Next {
    let is_in_doubt = was_in_doubt || kind == FailureKind::Doubtful;
    let end = if is_in_doubt {
        Next::LeaveInDoubt
    } else {
        Next::GiveUp
    };

    let asked = match kind {
        FailureKind::Retry { after } => after,
        FailureKind::Doubtful if !was_in_doubt => None,
        FailureKind::Doubtful
        | FailureKind::DeadAddress { .. }
        | FailureKind::Configuration
        | FailureKind::Blocked => return end,
    };

    let doublings = failures.saturating_sub(1).min(16);
    let pause = PAUSE_MIN.saturating_mul(1 << doublings).min(PAUSE_MAX);
    let at = now.after(asked.map_or(pause, |asked| asked.max(pause)));

    if at.after(USEFUL_MIN) <= deadline {
        Next::TryAt(at)
    } else {
        end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_millis(0);
    const DEADLINE: Timestamp = Timestamp::from_millis(60_000);
    const RETRY: FailureKind = FailureKind::Retry { after: None };

    const fn asked(after: Duration) -> FailureKind {
        FailureKind::Retry { after: Some(after) }
    }

    const fn at(millis: i64) -> Next {
        Next::TryAt(Timestamp::from_millis(millis))
    }

    #[test]
    fn pauses_grow_to_their_maximum_and_end_before_the_deadline() {
        let table = [
            (1, RETRY, at(250)),
            (2, RETRY, at(500)),
            (7, RETRY, at(15_000)),
            (u32::MAX, RETRY, at(15_000)),
            (1, asked(Duration::from_secs(20)), at(20_000)),
            (1, asked(Duration::from_secs(55)), at(55_000)),
            (1, asked(Duration::from_secs(56)), Next::GiveUp),
            (1, asked(Duration::MAX), Next::GiveUp),
        ];

        for (failures, kind, expected) in table {
            assert_eq!(
                after_failure(failures, kind, false, START, DEADLINE),
                expected,
                "{failures} {kind:?}"
            );
        }
    }

    #[test]
    fn what_may_have_been_taken_is_sent_once_more_at_most() {
        let dead = FailureKind::DeadAddress { since: None };
        let table = [
            (RETRY, at(250), at(250)),
            (FailureKind::Doubtful, at(250), Next::LeaveInDoubt),
            (FailureKind::Configuration, Next::GiveUp, Next::LeaveInDoubt),
            (FailureKind::Blocked, Next::GiveUp, Next::LeaveInDoubt),
            (dead, Next::GiveUp, Next::LeaveInDoubt),
        ];

        for (kind, first, in_doubt) in table {
            let next = |was_in_doubt| after_failure(1, kind, was_in_doubt, START, DEADLINE);
            assert_eq!((next(false), next(true)), (first, in_doubt), "{kind:?}");
        }

        // Too late for the repetition: it stays in doubt.
        let late = DEADLINE.before(USEFUL_MIN);
        assert_eq!(
            after_failure(1, FailureKind::Doubtful, false, late, DEADLINE),
            Next::LeaveInDoubt
        );
    }
}
