//! How many of something there may be at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::telemetry::Gauge;

/// Counts what is there and refuses what would be too much. Clones count together.
#[derive(Clone, Debug)]
pub(super) struct Admission(Arc<Count>);

#[derive(Debug)]
struct Count {
    admitted: AtomicUsize,
    max: usize,
    gauge: Gauge,
}

/// The right to be there, given back when dropped.
#[derive(Debug)]
pub struct Permit(Arc<Count>);

impl Admission {
    /// At most `max` at once; `gauge` shows how many.
    #[must_use]
    pub(super) fn new(max: usize, gauge: Gauge) -> Self {
        Self(Arc::new(Count {
            admitted: AtomicUsize::new(0),
            max,
            gauge,
        }))
    }

    /// Admits one more; `None` at the maximum.
    #[must_use]
    pub(super) fn try_enter(&self) -> Option<Permit> {
        let one_more = |admitted: usize| (admitted < self.0.max).then_some(admitted + 1);
        self.0
            .admitted
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more)
            .ok()?;

        self.0.gauge.inc();

        Some(Permit(Arc::clone(&self.0)))
    }

    /// How many are there now.
    #[must_use]
    pub(super) fn admitted(&self) -> usize {
        self.0.admitted.load(Ordering::Acquire)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.admitted.fetch_sub(1, Ordering::AcqRel);
        self.0.gauge.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_more_than_the_maximum() {
        let gauge = Gauge::new("admitted", "A test's.").unwrap();
        let admission = Admission::new(2, gauge.clone());
        let first = admission.try_enter().unwrap();
        let _second = admission.try_enter().unwrap();
        assert!(admission.try_enter().is_none());

        drop(first);
        assert_eq!((admission.admitted(), gauge.get()), (1, 1));
        assert!(admission.try_enter().is_some());
    }
}
