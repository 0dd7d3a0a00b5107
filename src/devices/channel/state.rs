//! How often a user may be prompted on a device. Pure.

use std::collections::VecDeque;
use std::time::Duration;

use super::types::ReserveError;
use crate::clock::Timestamp;

const SHORT: Duration = Duration::from_secs(5 * 60);
const LONG: Duration = Duration::from_secs(60 * 60);

/// How many prompts are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PromptLimits {
    pub(super) short_max: u32,
    pub(super) long_max: u32,
}

/// Why no prompt is taken from the budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The budget is used up.
    TooManyPrompts {
        /// The next prompt is possible after this.
        retry_after: Duration,
    },
}

impl From<Refusal> for ReserveError {
    fn from(refusal: Refusal) -> Self {
        let Refusal::TooManyPrompts { retry_after } = refusal;
        Self::TooManyPrompts { retry_after }
    }
}

/// The prompts of one user on one device within the last hour: at most as many as an hour allows.
#[derive(Debug, Default)]
pub(super) struct PromptBudget {
    prompts: VecDeque<Timestamp>,
}

impl PromptBudget {
    /// From the times of earlier prompts, in any order.
    pub(super) fn from_times(mut times: Vec<Timestamp>) -> Self {
        times.sort_unstable();
        Self {
            prompts: times.into(),
        }
    }

    /// Takes one prompt from the budget.
    pub(super) fn take(&mut self, limits: PromptLimits, now: Timestamp) -> Result<(), Refusal> {
        while self
            .prompts
            .front()
            .is_some_and(|prompt| *prompt <= now.before(LONG))
        {
            self.prompts.pop_front();
        }

        let waits = [
            wait(&self.prompts, limits.short_max, SHORT, now),
            wait(&self.prompts, limits.long_max, LONG, now),
        ];
        match waits.into_iter().flatten().max() {
            Some(retry_after) => Err(Refusal::TooManyPrompts { retry_after }),
            None => {
                self.prompts.push_back(now);
                Ok(())
            }
        }
    }

    /// Whether there was no prompt within the last hour.
    pub(super) fn is_idle(&self, now: Timestamp) -> bool {
        self.prompts
            .back()
            .is_none_or(|prompt| *prompt <= now.before(LONG))
    }
}

/// How long until fewer than `max` prompts lie within `window`. `None` where that is so now.
fn wait(
    prompts: &VecDeque<Timestamp>,
    max: u32,
    window: Duration,
    now: Timestamp,
) -> Option<Duration> {
    let max = usize::try_from(max).unwrap_or(usize::MAX);
    let Some(last_allowed) = max.checked_sub(1) else {
        return Some(window);
    };

    // The prompt that has to leave the window before another may enter it.
    let blocking = prompts.iter().rev().nth(last_allowed)?;
    let free_at = blocking.after(window);
    (free_at > now).then(|| free_at.since(now))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: PromptLimits = PromptLimits {
        short_max: 2,
        long_max: 3,
    };

    fn refused(minutes: u64) -> Result<(), Refusal> {
        Err(Refusal::TooManyPrompts {
            retry_after: Duration::from_secs(minutes * 60),
        })
    }

    fn minute(minute: i64) -> Timestamp {
        Timestamp::from_millis(minute * 60_000)
    }

    #[test]
    fn both_windows_count() {
        let mut budget = PromptBudget::default();
        assert_eq!(budget.take(LIMITS, minute(0)), Ok(()));
        assert_eq!(budget.take(LIMITS, minute(1)), Ok(()));
        assert_eq!(budget.take(LIMITS, minute(2)), refused(3));
        assert_eq!(budget.take(LIMITS, minute(5)), Ok(()));
        assert_eq!(budget.take(LIMITS, minute(30)), refused(30));
        assert_eq!(budget.take(LIMITS, minute(60)), Ok(()));
    }

    #[test]
    fn a_maximum_of_zero_allows_none() {
        let none = PromptLimits {
            short_max: 0,
            long_max: 3,
        };
        assert!(PromptBudget::default().take(none, minute(0)).is_err());
    }

    proptest! {
        #[test]
        fn never_more_than_the_limits_in_any_window(pauses in proptest::collection::vec(0_i64..20, 1..200)) {
            let mut budget = PromptBudget::from_times(vec![]);
            let mut granted: Vec<Timestamp> = Vec::new();
            let mut now = 0;
            for pause in pauses {
                now += pause;
                match budget.take(LIMITS, minute(now)) {
                    Ok(()) => granted.push(minute(now)),
                    // After the time it names, a prompt is granted.
                    Err(Refusal::TooManyPrompts { retry_after }) => {
                        let mut again = PromptBudget::from_times(granted.clone());
                        prop_assert!(again.take(LIMITS, minute(now).after(retry_after)).is_ok());
                    }
                }
            }

            for (index, first) in granted.iter().enumerate() {
                let within = |window| granted[index..].iter().filter(|prompt| prompt.since(*first) < window).count();
                prop_assert!(within(SHORT) <= 2 && within(LONG) <= 3);
            }
        }
    }
}
