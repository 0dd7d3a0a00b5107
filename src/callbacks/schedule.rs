//! When a callback is tried again. Pure.

use std::time::Duration;

/// Before the first repetition.
const DELAY_MIN: Duration = Duration::from_secs(5);
/// Between repetitions at last.
const DELAY_MAX: Duration = Duration::from_secs(3600);
/// Each delay is so many times the one before.
const GROWTH: u32 = 3;
/// Without jitter the delays of so many attempts add up to a day.
const ATTEMPTS_MAX: u32 = 30;

/// How long to wait after this many attempts that failed; `None` when it is time to give up.
///
/// `jitter` is random from 0 to 1: callbacks that failed together are tried again up to a fifth of
/// the delay apart. A receiver that says when it wants to be asked again (`Retry-After`) is given
/// that time, within the largest delay.
#[must_use]
pub fn delay_after(attempts: u32, jitter: f64, asked_for: Option<Duration>) -> Option<Duration> {
    if attempts >= ATTEMPTS_MAX {
        return None;
    }
    let grown = DELAY_MIN.saturating_mul(GROWTH.saturating_pow(attempts.saturating_sub(1)));
    let delay = grown
        .min(DELAY_MAX)
        .mul_f64(1.0 - 0.2 * jitter.clamp(0.0, 1.0));
    Some(delay.max(asked_for.unwrap_or_default()).min(DELAY_MAX))
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
    fn it_takes_about_a_day_to_give_up() {
        let total = |jitter| {
            (1..30)
                .filter_map(|attempts| delay_after(attempts, jitter, None))
                .sum::<Duration>()
        };

        let hours = |duration: Duration| duration.as_secs_f64() / 3600.0;
        assert!(
            (23.0..=24.0).contains(&hours(total(0.0))),
            "{}",
            hours(total(0.0))
        );
        assert!(
            (18.0..=24.0).contains(&hours(total(1.0))),
            "{}",
            hours(total(1.0))
        );
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
    fn the_receiver_may_ask_for_more_time_within_bounds() {
        let asked = |seconds| delay_after(1, 0.0, Some(Duration::from_secs(seconds)));
        assert_eq!(asked(120), Some(Duration::from_secs(120)));
        assert_eq!(asked(1), Some(Duration::from_secs(5)));
        assert_eq!(asked(1_000_000), Some(Duration::from_secs(3600)));
    }
}
