//! When the server's keys begin to sign, are rotated, and retire. Pure.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::jose::SigningAlgorithm;
use crate::oauth::model::StoredKey;
use crate::settings::TokenSettings;

/// How long a predecessor stays published once its successor signs: no access token lives longer.
pub(super) const RETIREMENT: Duration = Duration::from_secs(86_400);

/// How often keys change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// How long a key signs before it gets a successor.
    pub(super) rotation: Duration,
    /// How long a successor is published before it signs: caches of the published keys have expired by
    /// then.
    pub(super) lead: Duration,
}

impl Plan {
    pub(super) fn of(settings: &TokenSettings) -> Self {
        Self {
            rotation: settings.signing_key_rotation(),
            lead: settings.signing_key_lead(),
        }
    }

    /// The key after those that there are.
    pub(super) fn successor(&self, now: Timestamp) -> Next {
        let active_from = now.after(self.lead);

        Next {
            active_from,
            predecessors_until: Some(active_from.after(RETIREMENT)),
        }
    }
}

/// A key that takes over at once, and whose predecessors nobody shall believe any more.
pub(super) const fn replacement(now: Timestamp) -> Next {
    Next {
        active_from: now,
        predecessors_until: Some(now),
    }
}

/// The next key of an algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Next {
    pub(super) active_from: Timestamp,
    /// Until when the keys before it are published; `None` for the first key.
    pub(super) predecessors_until: Option<Timestamp>,
}

/// When the latest key of an algorithm begins to sign.
pub(super) fn latest(keys: &[StoredKey], algorithm: SigningAlgorithm) -> Option<Timestamp> {
    keys.iter()
        .filter(|key| key.algorithm == algorithm)
        .map(|key| key.active_from)
        .max()
}

/// Decides whether an algorithm needs another key, from when its latest begins to sign.
pub(super) fn decide(
    latest_active_from: Option<Timestamp>,
    plan: Plan,
    now: Timestamp,
) -> Option<Next> {
    let Some(latest) = latest_active_from else {
        return Some(Next {
            // Nothing else can sign, and no cache has a list that it is missing from.
            active_from: now,
            predecessors_until: None,
        });
    };

    (latest.after(plan.rotation) <= now).then(|| plan.successor(now))
}

/// Which of an algorithm's keys signs: the latest that has begun to. Where none has, because the
/// clock went back, the first.
pub(super) fn signing(
    active_from: impl Iterator<Item = Timestamp>,
    now: Timestamp,
) -> Option<usize> {
    let mut last_begun: Option<(usize, Timestamp)> = None;
    let mut first_ahead: Option<(usize, Timestamp)> = None;

    for (index, from) in active_from.enumerate() {
        if from <= now {
            if last_begun.is_none_or(|(_, last)| last <= from) {
                last_begun = Some((index, from));
            }
        } else if first_ahead.is_none_or(|(_, first)| from < first) {
            first_ahead = Some((index, from));
        }
    }

    last_begun.or(first_ahead).map(|(index, _)| index)
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
            (Some(NOW.after(Duration::from_secs(300))), DAY, None),
            (Some(NOW.after(DAY)), DAY, None),
            (Some(NOW.before(DAY)), DAY, Some(successor)),
        ] {
            let plan = Plan {
                rotation,
                lead: Duration::from_secs(300),
            };
            assert_eq!(decide(latest, plan, NOW), expected, "{latest:?} {plan:?}");
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
