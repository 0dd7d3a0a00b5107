//! Limits how many requests are in progress at once, and how many wait.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts the requests of a listener. While a request waits for something to happen, it does not
/// count as in progress.
#[derive(Debug)]
pub struct Gate {
    working: AtomicUsize,
    working_max: usize,
    waiting: AtomicUsize,
    waiting_max: usize,
}

impl Gate {
    /// The most requests that may be in progress, and that may wait, at once.
    #[must_use]
    pub const fn new(working_max: usize, waiting_max: usize) -> Self {
        Self {
            working: AtomicUsize::new(0),
            working_max,
            waiting: AtomicUsize::new(0),
            waiting_max,
        }
    }

    /// A place for a request. None if all are taken.
    pub(crate) fn enter(&self) -> Option<Working<'_>> {
        take_place(&self.working, self.working_max).then(|| Working(self))
    }

    /// A waiting place for a request that has entered. None if all are taken. Until it is dropped,
    /// another request can have the first place.
    pub(crate) fn wait(&self) -> Option<Waiting<'_>> {
        if !take_place(&self.waiting, self.waiting_max) {
            return None;
        }

        self.working.fetch_sub(1, Ordering::Relaxed);
        Some(Waiting(self))
    }
}

fn take_place(count: &AtomicUsize, max: usize) -> bool {
    let taken = count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| {
        (taken < max).then_some(taken + 1)
    });

    taken.is_ok()
}

/// A request in progress.
pub(crate) struct Working<'a>(&'a Gate);

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.0.working.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A request that waits for something to happen.
pub(crate) struct Waiting<'a>(&'a Gate);

impl Drop for Waiting<'_> {
    /// Takes a place again even if all are taken: the request was admitted before.
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
        self.0.working.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiting_request_makes_room() {
        let gate = Gate::new(1, 1);
        let first = gate.enter().unwrap();
        assert!(gate.enter().is_none());

        let waiting = gate.wait().unwrap();
        let second = gate.enter().unwrap();
        assert!(gate.wait().is_none() && gate.enter().is_none());

        drop(waiting);
        drop(first);
        assert!(gate.enter().is_none());

        drop(second);
        assert!(gate.enter().is_some());
    }
}
