//! How many messages may be sent within a window of time. Pure.
//!
//! It is decided in the commit that owes the message, by counts of two windows: the present one, and
//! the one before in proportion to how much of it still lies within the time that counts. So a count
//! is two numbers, however many messages there are, and nobody gets twice the limit around the end of
//! a window.

use std::time::Duration;

use crate::clock::Timestamp;

/// A limit that a message counts against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Whose limit it is: a keyed hash.
    pub key: Vec<u8>,
    /// In whole seconds.
    pub window: Duration,
    /// How many messages within the window.
    pub max: u32,
    /// When the message is sent.
    pub at: Timestamp,
}

impl Quota {
    /// The first second of the present window.
    pub(super) fn start(&self) -> i64 {
        let seconds = self.seconds();
        self.at.as_secs().div_euclid(seconds) * seconds
    }

    /// The first second of the window before.
    pub(super) fn start_before(&self) -> i64 {
        self.start() - self.seconds()
    }

    /// How long the message has to wait, after this many in the window before and in the present one.
    /// `None` if it may be sent now.
    pub(super) fn wait(&self, before: i64, present: i64) -> Option<Duration> {
        let window = self.seconds() * 1000;
        let elapsed = self.at.as_millis() - self.start() * 1000;
        let room = i64::from(self.max) - 1;

        // Of those before, this many count: before * (window - elapsed) / window. All in integers, and
        // rounded against the sender.
        let weighed = |count: i64, elapsed: i64| count * (window - elapsed);
        if weighed(before, elapsed) <= (room - present) * window {
            return None;
        }

        let wait = if present <= room && before > 0 {
            // Until enough of those before have left.
            free_at(before, room - present, window) - elapsed
        } else {
            // Until the next window, and until enough of the present ones have left that.
            window - elapsed + free_at(present, room.max(0), window)
        };

        Some(Duration::from_millis(wait.max(1).unsigned_abs()))
    }

    fn seconds(&self) -> i64 {
        i64::try_from(self.window.as_secs())
            .unwrap_or(i64::MAX)
            .max(1)
    }
}

/// After how much of a window at most `room` of the `count` before it still count.
fn free_at(count: i64, room: i64, window: i64) -> i64 {
    if count <= room {
        return 0;
    }
    window - room * window / count
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn quota(max: u32, at_millis: i64) -> Quota {
        Quota {
            key: vec![1],
            window: Duration::from_secs(60),
            max,
            at: Timestamp::from_millis(at_millis),
        }
    }

    #[test]
    fn a_window_ends_bit_by_bit() {
        let wait = |before, present, second: i64| {
            let wait = quota(4, 600_000 + second * 1000).wait(before, present);
            wait.map(|wait| wait.as_secs())
        };

        assert_eq!(wait(0, 0, 0), None);
        assert_eq!(wait(0, 3, 0), None);
        // Full: the next window begins in 60 s, and a quarter of it has to pass.
        assert_eq!(wait(0, 4, 0), Some(75));
        assert_eq!(wait(0, 4, 50), Some(25));
        // Four before: three may still count.
        assert_eq!(wait(4, 0, 0), Some(15));
        assert_eq!(wait(4, 0, 15), None);
        assert_eq!(wait(4, 2, 15), Some(30));
        assert_eq!(wait(4, 2, 45), None);
    }

    proptest! {
        /// Whoever waits as long as it is told may send; and never are there more than the limit in a
        /// window, nor twice as many around its end.
        #[test]
        fn a_sender_is_told_how_long_to_wait(
            max in 1_u32..6,
            pauses in proptest::collection::vec(0_i64..40_000, 1..200),
        ) {
            let mut counts = std::collections::BTreeMap::<i64, i64>::new();
            let mut sent = Vec::new();
            let mut now = 6_000_000;

            for pause in pauses {
                now += pause;
                let ask = |now: i64, counts: &std::collections::BTreeMap<i64, i64>| {
                    let quota = quota(max, now);
                    let count = |start| counts.get(&start).copied().unwrap_or_default();
                    quota.wait(count(quota.start_before()), count(quota.start()))
                };

                if let Some(wait) = ask(now, &counts) {
                    let later = now + i64::try_from(wait.as_millis()).unwrap();
                    prop_assert_eq!(ask(later, &counts), None);
                } else {
                    *counts.entry(quota(max, now).start()).or_default() += 1;
                    sent.push(now);
                }
            }

            for (index, first) in sent.iter().enumerate() {
                let within = sent[index..].iter().filter(|at| *at - first < 60_000).count();
                prop_assert!(within < 2 * max as usize + 1, "{within} of {max}");
            }
        }
    }
}
