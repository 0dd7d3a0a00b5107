//! Deletes old rows, in batches so small that they do not delay other work.

mod persist;

use std::num::NonZeroU32;
use std::time::Duration;

use parking_lot::Mutex;

use crate::base::Base;
use crate::clock::Timestamp;
use crate::config::RetentionConfig;

const PAUSE: Duration = Duration::from_secs(60);
/// How far ahead of the time that has passed the clock may be.
const STEP_MAX: Duration = Duration::from_secs(3600);

/// Deletes old rows once a minute.
pub struct Retention {
    base: Base,
    times: RetentionTimes,
    /// The last time that was believed, and the uptime then.
    trusted: Mutex<Option<(Timestamp, Duration)>>,
}

/// How long rows are kept after they were last needed.
#[derive(Clone, Copy, Debug)]
pub struct RetentionTimes {
    /// The audit log.
    pub events: Duration,
    pub delivered_callbacks: Duration,
    pub dead_callbacks: Duration,
    /// Devices on which no user has logged in.
    pub unused_devices: Duration,
}

impl From<&RetentionConfig> for RetentionTimes {
    fn from(config: &RetentionConfig) -> Self {
        let days = |days: NonZeroU32| Duration::from_secs(u64::from(days.get()) * 24 * 3600);
        Self {
            events: days(config.events_days),
            delivered_callbacks: days(config.delivered_callbacks_days),
            dead_callbacks: days(config.dead_callbacks_days),
            unused_devices: days(config.unused_devices_days),
        }
    }
}

impl Retention {
    /// The settings say how long finished transactions are kept, `times` how long the rest is.
    #[must_use]
    pub fn new(base: Base, times: RetentionTimes) -> Self {
        Self {
            base,
            times,
            trusted: Mutex::default(),
        }
    }

    /// Runs forever. Errors are logged; the next run tries again.
    pub async fn run(&self) {
        loop {
            self.delete_old().await;
            self.base.clock.sleep(PAUSE).await;
        }
    }

    /// Deletes all rows whose time has passed. What cannot be deleted from one table keeps nothing in
    /// the others.
    pub async fn delete_old(&self) {
        let ends = self.ends();

        for deletion in persist::DELETIONS {
            loop {
                match persist::delete_batch(&self.base.store, *deletion, ends).await {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => {
                        tracing::warn!(%error, "old rows cannot be deleted");
                        break;
                    }
                }
            }
        }
    }

    fn ends(&self) -> persist::Ends {
        let now = self.trusted_now();

        let results_seconds = self
            .base
            .settings
            .load()
            .mobile_authentication
            .result_retention_seconds;

        persist::Ends {
            now,
            transactions: now.before(Duration::from_secs(u64::from(results_seconds))),
            events: now.before(self.times.events),
            delivered_callbacks: now.before(self.times.delivered_callbacks),
            dead_callbacks: now.before(self.times.dead_callbacks),
            unused_devices: now.before(self.times.unused_devices),
        }
    }

    /// The time by which rows are deleted. A clock that is set far ahead is not believed while this
    /// server runs: what it would delete cannot be brought back when the clock is set right.
    fn trusted_now(&self) -> Timestamp {
        let Base { clock, .. } = &self.base;
        let (now, uptime) = (clock.now(), clock.uptime());

        let mut trusted = self.trusted.lock();
        let (last, last_uptime) = *trusted.get_or_insert((now, uptime));
        let expected = last.after(uptime.saturating_sub(last_uptime));

        if now <= expected.after(STEP_MAX) {
            *trusted = Some((now, uptime));
            return now;
        }

        let ahead_seconds = now.since(expected).as_secs();
        tracing::warn!(
            ahead_seconds,
            "the clock was set far ahead: until a restart, old rows are deleted as if it had not been"
        );

        expected
    }
}
