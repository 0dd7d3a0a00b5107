//! How many user codes may be guessed on a node: they are short, so that people can type them.
//! Pure.

use std::time::Duration;

use crate::clock::Timestamp;

/// Wrong entries in a [`WINDOW`].
const WRONG_MAX: u32 = 100;
const WINDOW: Duration = Duration::from_secs(60);

/// Counts entries, those that are being looked up included.
#[derive(Debug, Default)]
pub(super) struct Guesses {
    since: Option<Timestamp>,
    count: u32,
}

impl Guesses {
    /// Counts an entry before it is looked up. Where there were too many, the error says how long
    /// to wait.
    pub(super) fn enter(&mut self, now: Timestamp) -> Result<(), Duration> {
        let since = self
            .since
            // A window that lies ahead is one of a clock that was set back since: it would keep
            // everybody out until then.
            .filter(|since| *since <= now && now < since.after(WINDOW))
            .unwrap_or_else(|| {
                self.count = 0;
                now
            });

        self.since = Some(since);

        if self.count >= WRONG_MAX {
            return Err(since.after(WINDOW).since(now));
        }

        self.count += 1;

        Ok(())
    }

    /// An entry was right: it does not count as a guess.
    pub(super) fn was_right(&mut self) {
        // Another window may have begun since the entry was counted.
        self.count = self.count.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_guesses_are_made_in_a_minute() {
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);
        let mut guesses = Guesses::default();
        for _ in 0..1_000 {
            guesses.enter(at(0)).unwrap();
            guesses.was_right();
        }

        for _ in 0..WRONG_MAX {
            guesses.enter(at(10)).unwrap();
        }

        assert_eq!(guesses.enter(at(20)), Err(Duration::from_secs(40)));
        assert_eq!(guesses.enter(at(59)), Err(Duration::from_secs(1)));
        guesses.enter(at(60)).unwrap();
        guesses.enter(at(0)).unwrap();
    }
}
