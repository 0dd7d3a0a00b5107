//! Whether the database can be written to, as the last attempts showed.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::OwnedMutexGuard;

use super::error::StoreError;
use crate::clock::Stopwatch;

/// How long the last outcome counts.
const FRESH: Duration = Duration::from_millis(100);

/// What the last writes showed. One warning is logged for an episode of failures.
#[derive(Debug, Default)]
pub(super) struct Health {
    last: Mutex<Option<Outcome>>,
    /// Held while a write finds out: there is one at a time, however many ask.
    turn: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug)]
struct Outcome {
    is_good: bool,
    age: Stopwatch,
}

impl Health {
    /// A write succeeded or failed. What the database refused for what was written says nothing about
    /// the database.
    pub(super) fn record(&self, error: Option<&StoreError>) {
        let cause = error.and_then(cause_of);
        let outcome = Outcome {
            is_good: cause.is_none(),
            age: Stopwatch::start(),
        };
        let before = self.last.lock().replace(outcome);
        let was_good = before.is_none_or(|before| before.is_good);

        match (was_good, cause) {
            (true, Some(cause)) => {
                tracing::warn!(cause, "the database cannot be written to");
            }
            (false, None) => tracing::info!("the database can be written to again"),
            _ => {}
        }
    }

    /// What is known, where that is recent enough. `None` where a write has to find out.
    pub(super) fn known(&self) -> Option<bool> {
        let last = self.last.lock();
        let last = last.as_ref()?;
        (last.age.elapsed() < FRESH).then_some(last.is_good)
    }

    /// Waits for the turn to find out.
    pub(super) async fn turn(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.turn).lock_owned().await
    }
}

/// Why the database cannot be written to; `None` where it can. A closed set: the database's own words
/// may name what is in it.
fn cause_of(error: &StoreError) -> Option<&'static str> {
    let StoreError::Unavailable(text) = error else {
        return (*error == StoreError::Undecided).then_some("lost");
    };

    let causes = [
        ("read-only", "read_only"),
        ("readonly", "read_only"),
        ("full", "disk_full"),
        ("No space left", "disk_full"),
        ("I/O", "disk"),
        ("locked", "locked"),
    ];
    let known = causes
        .iter()
        .find_map(|(word, cause)| text.contains(word).then_some(*cause));
    Some(known.unwrap_or("unreachable"))
}
