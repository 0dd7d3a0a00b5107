//! When a failed message is tried again. Pure.

use std::time::Duration;

use super::failure::FailureKind;
use crate::clock::Timestamp;

const PAUSE_MIN: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(15);

/// When to try again after the `failures`-th failure in a row (counted from 1): after a pause that
/// doubles from 250 ms to 15 s, or after the longer one that the provider asks for. `None` where
/// another attempt is of no use or would not come before the deadline.
pub(super) fn retry_at(
    failures: u32,
    kind: FailureKind,
    now: Timestamp,
    deadline: Timestamp,
) -> Option<Timestamp> {
    let FailureKind::Retry { after } = kind else {
        return None;
    };

    let doublings = failures.saturating_sub(1).min(16);
    let pause = PAUSE_MIN.saturating_mul(1 << doublings).min(PAUSE_MAX);
    let at = now.after(after.map_or(pause, |asked| asked.max(pause)));
    (at < deadline).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_their_maximum_and_end_before_the_deadline() {
        let start = Timestamp::from_millis(0);
        let deadline = Timestamp::from_millis(60_000);
        let temporary = FailureKind::Retry { after: None };

        let asked = FailureKind::Retry {
            after: Some(Duration::from_secs(20)),
        };
        let table = [
            (1, temporary, Some(250)),
            (2, temporary, Some(500)),
            (7, temporary, Some(15_000)),
            (u32::MAX, temporary, Some(15_000)),
            (1, asked, Some(20_000)),
            (
                1,
                FailureKind::Retry {
                    after: Some(Duration::from_secs(60)),
                },
                None,
            ),
            (
                1,
                FailureKind::Retry {
                    after: Some(Duration::MAX),
                },
                None,
            ),
            (1, FailureKind::Configuration, None),
            (1, FailureKind::Blocked, None),
            (1, FailureKind::DeadAddress { since: None }, None),
        ];

        for (failures, kind, millis) in table {
            let expected = millis.map(Timestamp::from_millis);
            assert_eq!(
                retry_at(failures, kind, start, deadline),
                expected,
                "{failures} {kind:?}"
            );
        }
    }
}
