//! A bounded queue between async callers, who never wait for a place, and the store's threads, who
//! wait for work.

use std::collections::VecDeque;
use std::mem;

use parking_lot::{Condvar, Mutex};

use super::error::StoreError;
use crate::telemetry::Gauge;

/// First in, first out, with any number of threads at both ends.
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    length_max: usize,
    /// Shows how many items wait.
    length: Gauge,
}

struct State<T> {
    items: VecDeque<T>,
    closed: bool,
}

impl<T> Queue<T> {
    /// An open, empty queue that holds at most `length_max` items; `length` shows how many.
    pub(super) fn new(length_max: usize, length: Gauge) -> Self {
        let state = State {
            items: VecDeque::new(),
            closed: false,
        };
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
            length_max,
            length,
        }
    }

    /// Adds an item at the end. Fails when the queue is full or closed.
    pub(super) fn push(&self, item: T) -> Result<(), StoreError> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(StoreError::closed());
        }

        if state.items.len() >= self.length_max {
            return Err(StoreError::Overloaded);
        }

        state.items.push_back(item);
        self.show(&state);

        // Before the notice: whoever wakes needs the lock.
        drop(state);
        self.changed.notify_one();

        Ok(())
    }

    /// Takes the first item, and waits until there is one. `None` when the queue is closed and
    /// empty.
    pub(super) fn pop(&self) -> Option<T> {
        let mut state = self.state.lock();
        loop {
            if let Some(item) = state.items.pop_front() {
                self.show(&state);
                return Some(item);
            }

            if state.closed {
                return None;
            }

            self.changed.wait(&mut state);
        }
    }

    /// Moves up to `count` items to the end of `into`; if `wait`, waits for the first one. False
    /// when the queue is closed and empty.
    pub(super) fn take(&self, count: usize, wait: bool, into: &mut Vec<T>) -> bool {
        let mut state = self.state.lock();
        while wait && state.items.is_empty() && !state.closed {
            self.changed.wait(&mut state);
        }

        let count = count.min(state.items.len());
        into.extend(state.items.drain(..count));
        self.show(&state);

        count > 0 || !state.closed
    }

    /// Takes everything that waits now.
    pub(super) fn drain(&self) -> VecDeque<T> {
        let mut state = self.state.lock();
        let items = mem::take(&mut state.items);
        self.show(&state);
        items
    }

    /// Refuses further items. What is there is still handed out.
    pub(super) fn close(&self) {
        self.state.lock().closed = true;
        self.changed.notify_all();
    }

    fn show(&self, state: &State<T>) {
        self.length
            .set(i64::try_from(state.items.len()).unwrap_or(i64::MAX));
    }
}
