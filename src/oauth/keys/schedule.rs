//! When the server's keys begin to sign, have a successor, and go. Pure.

use std::time::Duration;

use crate::clock::Timestamp;

/// How long a successor is published before it signs: what others keep of the published keys is
/// renewed by then.
pub(super) const LEAD: Duration = Duration::from_secs(300);
/// How long a predecessor stays published once its successor signs: no token lives longer.
pub(super) const AFTERLIFE: Duration = Duration::from_secs(86_400);

/// The next key of an algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Next {
    /// It signs from then on.
    pub(super) active_from: Timestamp,
    /// The keys before it are published until then; none where there are none.
    pub(super) predecessors_until: Option<Timestamp>,
}

/// Decides whether an algorithm needs its next key, from when the latest begins to sign.
pub(super) fn decide(
    latest_active_from: Option<Timestamp>,
    rotation: Duration,
    now: Timestamp,
) -> Option<Next> {
    let Some(latest) = latest_active_from else {
        return Some(Next {
            active_from: now,
            predecessors_until: None,
        });
    };
    let active_from = now.after(LEAD);
    (latest.after(rotation) <= now).then(|| Next {
        active_from,
        predecessors_until: Some(active_from.after(AFTERLIFE)),
    })
}

/// Which of an algorithm's keys signs, from when each begins to: the latest that has begun. Where
/// none has, because the clock went back, the first.
pub(super) fn signing(
    active_from: impl Iterator<Item = Timestamp>,
    now: Timestamp,
) -> Option<usize> {
    // Those that have begun before those that have not; of the latter the first, of the former the
    // last.
    let rank = |&(_, from): &(usize, Timestamp)| {
        let begun = from <= now;
        (
            begun,
            if begun {
                from.as_millis()
            } else {
                from.as_millis().saturating_neg()
            },
        )
    };
    active_from
        .enumerate()
        .max_by_key(rank)
        .map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);
    const NOW: Timestamp = Timestamp::from_millis(1_000_000_000_000);

    #[test]
    fn a_key_has_a_successor_when_its_time_is_over() {
        let first = Next {
            active_from: NOW,
            predecessors_until: None,
        };
        let successor = Next {
            active_from: NOW.after(Duration::from_secs(300)),
            predecessors_until: Some(NOW.after(Duration::from_secs(300 + 86_400))),
        };
        for (latest, rotation, expected) in [
            (None, DAY * 90, Some(first)),
            (Some(NOW), DAY * 90, None),
            (Some(NOW.before(DAY * 90)), DAY * 90, Some(successor)),
            (
                Some(NOW.before(DAY * 90).after(Duration::from_millis(1))),
                DAY * 90,
                None,
            ),
            (Some(NOW.before(DAY * 400)), DAY * 90, Some(successor)),
            (Some(NOW.after(LEAD)), DAY, None),
            (Some(NOW.after(DAY)), DAY, None),
            (Some(NOW.before(DAY)), DAY, Some(successor)),
        ] {
            assert_eq!(
                decide(latest, rotation, NOW),
                expected,
                "{latest:?} {rotation:?}"
            );
        }
    }

    #[test]
    fn the_latest_that_has_begun_signs() {
        let at = |seconds: &[i64]| {
            let times = seconds
                .iter()
                .map(|second| Timestamp::from_millis(NOW.as_millis() + second * 1000));
            signing(times, NOW)
        };
        for (active_from, expected) in [
            (&[][..], None),
            (&[0], Some(0)),
            (&[-9, -5], Some(1)),
            (&[-5, -9], Some(0)),
            (&[-9, 1], Some(0)),
            (&[-9, 0, 300], Some(1)),
            (&[3600], Some(0)),
            (&[3600, 7200], Some(0)),
        ] {
            assert_eq!(at(active_from), expected, "{active_from:?}");
        }
    }
}
