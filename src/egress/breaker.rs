//! When a provider that does not answer is left alone for a moment. Pure.

use std::time::Duration;

use crate::clock::Timestamp;

/// Failures in a row after which a provider counts as down.
const FAILURES_MAX: u32 = 5;
const PAUSE_MIN: Duration = Duration::from_secs(2);
const PAUSE_MAX: Duration = Duration::from_secs(15);
/// After this long without its outcome a probe is taken for lost.
const PROBE_MAX: Duration = Duration::from_secs(30);

/// How a provider is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Breaker {
    /// It is called.
    Closed {
        /// In a row.
        failures: u32,
    },
    /// It is left alone.
    Open { until: Timestamp, pause: Duration },
    /// One call finds out whether it answers again.
    Probing { since: Timestamp, pause: Duration },
}

/// What an outcome changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    None,
    /// The first failure after it had answered.
    Began,
    /// The first answer after failures.
    Ended,
}

impl Breaker {
    pub(super) const fn new() -> Self {
        Self::Closed { failures: 0 }
    }

    /// Whether it may be called now; if not, after how long it may be.
    pub(super) fn admit(&mut self, now: Timestamp) -> Result<(), Duration> {
        match *self {
            Self::Closed { .. } => Ok(()),
            Self::Open { until, .. } if now < until => Err(until.since(now)),
            Self::Probing { since, .. } if now < since.after(PROBE_MAX) => Err(PAUSE_MIN),
            Self::Open { pause, .. } | Self::Probing { pause, .. } => {
                *self = Self::Probing { since: now, pause };
                Ok(())
            }
        }
    }

    /// It did or did not answer a call, whatever it said.
    pub(super) fn record(&mut self, has_answered: bool, now: Timestamp) -> Change {
        if has_answered {
            let was_well = *self == Self::new();
            *self = Self::new();
            return if was_well {
                Change::None
            } else {
                Change::Ended
            };
        }

        let open = |pause: Duration| Self::Open {
            until: now.after(pause),
            pause,
        };

        let (next, change) = match *self {
            Self::Closed { failures: 0 } => (Self::Closed { failures: 1 }, Change::Began),
            Self::Closed { failures } if failures + 1 < FAILURES_MAX => (
                Self::Closed {
                    failures: failures + 1,
                },
                Change::None,
            ),
            Self::Closed { .. } => (open(PAUSE_MIN), Change::None),
            Self::Probing { pause, .. } => (open((pause * 2).min(PAUSE_MAX)), Change::None),
            // A call from before.
            Self::Open { .. } => (*self, Change::None),
        };

        *self = next;

        change
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn a_provider_that_does_not_answer_is_left_alone_and_probed() {
        let mut breaker = Breaker::new();
        assert_eq!(breaker.record(false, at(0)), Change::Began);
        for _ in 1..5 {
            assert_eq!(breaker.admit(at(0)), Ok(()));
            assert_eq!(breaker.record(false, at(0)), Change::None);
        }

        assert_eq!(breaker.admit(at(1)), Err(Duration::from_secs(1)));

        // One call at a time probes it; each that fails makes the pause longer.
        for (probe, pause) in [(2, 4), (6, 8), (14, 15), (29, 15)] {
            assert_eq!(breaker.admit(at(probe)), Ok(()));
            assert!(breaker.admit(at(probe)).is_err());
            assert_eq!(breaker.record(false, at(probe)), Change::None);
            assert_eq!(breaker.admit(at(probe)), Err(Duration::from_secs(pause)));
        }

        assert_eq!(breaker.admit(at(44)), Ok(()));
        assert_eq!(breaker.record(true, at(44)), Change::Ended);
        assert_eq!(breaker.admit(at(44)), Ok(()));
        assert_eq!(breaker.admit(at(44)), Ok(()));
    }

    #[test]
    fn an_answer_in_between_starts_the_count_anew() {
        let mut breaker = Breaker::new();
        for _ in 0..10 {
            for _ in 0..4 {
                breaker.record(false, at(0));
            }
            assert_eq!(breaker.record(true, at(0)), Change::Ended);
            assert_eq!(breaker.record(true, at(0)), Change::None);
        }

        assert_eq!(breaker.admit(at(0)), Ok(()));
    }

    #[test]
    fn a_probe_that_is_lost_does_not_close_the_door_for_ever() {
        let mut breaker = Breaker::Probing {
            since: at(0),
            pause: PAUSE_MIN,
        };
        assert!(breaker.admit(at(29)).is_err());
        assert_eq!(breaker.admit(at(30)), Ok(()));
    }
}
