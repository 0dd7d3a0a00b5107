//! The only module that reads the time.
//!
//! All others receive a [`Timestamp`] or a [`Clock`]. Tests use a clock that they move by hand, so
//! that ten minutes pass at once. All timers of the server wait on that clock too.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::future::{BoxFuture, Either};
use tokio::sync::watch;

/// A point in time: milliseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down. JWTs use seconds.
    #[must_use]
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Adds a duration; saturates instead of overflowing.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis_of(duration)))
    }

    /// Subtracts a duration; saturates instead of overflowing.
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis_of(duration)))
    }

    /// The time from `earlier` to this; zero if `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The format of RFC 3339 in UTC with milliseconds.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        let days = self.0.div_euclid(86_400_000);
        let in_day = self.0.rem_euclid(86_400_000);
        let (year, month, day) = civil_from_days(days);
        let (hour, minute) = (in_day / 3_600_000, in_day / 60_000 % 60);
        let (second, millis) = (in_day / 1000 % 60, in_day % 1000);

        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
    }
}

fn millis_of(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Converts days since the epoch to year, month and day of the proleptic Gregorian calendar. The
/// algorithm starts years in March, so that leap days are last (Howard Hinnant, "chrono-Compatible
/// Low-Level Date Algorithms").
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;

    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };

    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// Reads the time and waits for it. Cheap to clone; all clones of a manual clock move together.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Manual(Arc<Manual>),
}

#[derive(Debug)]
struct Manual {
    now: AtomicI64,
    /// In milliseconds.
    uptime: AtomicI64,
    moved: watch::Sender<()>,
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that only moves by [`Clock::advance`].
    #[must_use]
    pub fn manual(start: Timestamp) -> Self {
        let now = AtomicI64::new(start.as_millis());
        Self(Source::Manual(Arc::new(Manual {
            now,
            uptime: AtomicI64::new(0),
            moved: watch::channel(()).0,
        })))
    }

    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => Timestamp(system_millis()),
            Source::Manual(manual) => Timestamp(manual.now.load(Ordering::SeqCst)),
        }
    }

    /// Moves a manual clock forward and wakes those who wait for a time that it has reached. Does
    /// nothing to the system clock.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(manual) = &self.0 {
            manual.now.fetch_add(millis_of(by), Ordering::SeqCst);
            manual.uptime.fetch_add(millis_of(by), Ordering::SeqCst);
            manual.moved.send_replace(());
        }
    }

    /// Sets a manual clock forward, as an administrator or a time server does: no time passes. Does
    /// nothing to the system clock.
    pub fn step(&self, by: Duration) {
        if let Source::Manual(manual) = &self.0 {
            manual.now.fetch_add(millis_of(by), Ordering::SeqCst);
            manual.moved.send_replace(());
        }
    }

    /// How long this program has run, which no step of the clock changes.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        match &self.0 {
            Source::System => started().elapsed(),
            Source::Manual(manual) => {
                let millis = manual.uptime.load(Ordering::SeqCst);
                Duration::from_millis(u64::try_from(millis).unwrap_or(0))
            }
        }
    }

    /// Completes at `deadline`, or at once if it has passed.
    #[expect(
        clippy::disallowed_methods,
        reason = "all other code waits on this method"
    )]
    pub fn sleep_until(&self, deadline: Timestamp) -> SleepUntil {
        match &self.0 {
            Source::System => Either::Left(tokio::time::sleep(deadline.since(self.now()))),
            Source::Manual(manual) => {
                let mut moved = manual.moved.subscribe();
                let clock = self.clone();
                Either::Right(Box::pin(async move {
                    while clock.now() < deadline && moved.changed().await.is_ok() {}
                }))
            }
        }
    }

    /// Completes after `duration`.
    pub fn sleep(&self, duration: Duration) -> SleepUntil {
        self.sleep_until(self.now().after(duration))
    }
}

/// The future of [`Clock::sleep_until`]: a timer of the runtime, or a subscription to a manual
/// clock.
pub type SleepUntil = Either<tokio::time::Sleep, BoxFuture<'static, ()>>;

/// Measures durations for metrics and logs. It does not follow a manual clock, so do not base
/// decisions on it.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the only module that reads the time"
    )]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// When the uptime was first asked for.
fn started() -> &'static Stopwatch {
    static STARTED: OnceLock<Stopwatch> = OnceLock::new();
    STARTED.get_or_init(Stopwatch::start)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the only module that reads the time"
)]
fn system_millis() -> i64 {
    millis_of(
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_timestamps_are_formatted_as_rfc_3339() {
        let cases = [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_123, "2000-02-29T00:00:00.123Z"),
            (1_735_689_599_999, "2024-12-31T23:59:59.999Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
        ];

        for (millis, text) in cases {
            assert_eq!(Timestamp::from_millis(millis).to_rfc3339(), text);
        }
    }

    #[tokio::test]
    async fn a_manual_clock_wakes_sleepers_at_their_time() {
        let clock = Clock::manual(Timestamp::from_millis(0));
        let sleeper = tokio::spawn(clock.sleep(Duration::from_secs(600)));

        clock.advance(Duration::from_secs(599));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());

        clock.advance(Duration::from_secs(1));
        sleeper.await.unwrap();
    }
}
