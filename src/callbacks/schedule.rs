//! When callbacks are retried. Pure.

use std::time::Duration;

/// The delay before the first retry.
const DELAY_MIN: Duration = Duration::from_secs(5);
const DELAY_MAX: Duration = Duration::from_secs(3600);
/// The factor from one delay to the next.
const GROWTH: u32 = 3;
/// Without jitter, the delays of this many attempts add up to a day.
const ATTEMPTS_MAX: u32 = 30;

/// The delay after this many failed attempts; `None` if there is no further attempt.
///
/// `jitter` is a random number from 0 to 1. It shortens the delay by up to a fifth, so that
/// callbacks that failed together are not retried together. The receiver's `Retry-After` lengthens
/// the delay, to at most an hour.
#[must_use]
pub fn delay_after(attempts: u32, jitter: f64, retry_after: Option<Duration>) -> Option<Duration> {
    if attempts >= ATTEMPTS_MAX {
        return None;
    }

    let exponential = DELAY_MIN.saturating_mul(GROWTH.saturating_pow(attempts.saturating_sub(1)));
    let delay = exponential
        .min(DELAY_MAX)
        .mul_f64(1.0 - 0.2 * jitter.clamp(0.0, 1.0));
    Some(delay.max(retry_after.unwrap_or_default()).min(DELAY_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_an_hour() {
        let seconds = |attempts| delay_after(attempts, 0.0, None).map(|delay| delay.as_secs());

        let expected = [
            (1, 5),
            (2, 15),
            (3, 45),
            (4, 135),
            (5, 405),
            (6, 1215),
            (7, 3600),
            (8, 3600),
            (29, 3600),
        ];

        for (attempts, delay) in expected {
            assert_eq!(seconds(attempts), Some(delay), "after {attempts}");
        }

        assert_eq!(seconds(30), None);
        assert_eq!(seconds(u32::MAX), None);
    }

    #[test]
    fn all_delays_add_up_to_about_a_day() {
        let total_hours = |jitter| {
            let total: Duration = (1..30)
                .filter_map(|attempts| delay_after(attempts, jitter, None))
                .sum();
            total.as_secs_f64() / 3600.0
        };

        let (without_jitter, with_jitter) = (total_hours(0.0), total_hours(1.0));
        assert!((23.0..=24.0).contains(&without_jitter), "{without_jitter}");
        assert!((18.0..=24.0).contains(&with_jitter), "{with_jitter}");
    }

    #[test]
    fn jitter_shortens_by_a_fifth_at_most() {
        assert_eq!(delay_after(1, 1.0, None), Some(Duration::from_secs(4)));
        assert_eq!(delay_after(7, 0.5, None), Some(Duration::from_secs(3240)));

        assert_eq!(
            delay_after(1, f64::INFINITY, None),
            Some(Duration::from_secs(4))
        );
    }

    #[test]
    fn retry_after_lengthens_the_delay_to_an_hour_at_most() {
        let asked = |seconds| delay_after(1, 0.0, Some(Duration::from_secs(seconds)));
        assert_eq!(asked(120), Some(Duration::from_secs(120)));
        assert_eq!(asked(1), Some(Duration::from_secs(5)));
        assert_eq!(asked(1_000_000), Some(Duration::from_secs(3600)));
    }
}
