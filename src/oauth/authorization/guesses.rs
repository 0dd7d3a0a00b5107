//! How many user codes may be guessed on a node: they are short, so that people can type them. Whoever
//! guesses is kept out, and not everybody. Pure.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::clock::Timestamp;

/// Wrong entries in a [`WINDOW`]: of a browser, of an address, which many users may share, and of all.
const OF_BROWSER_MAX: u32 = 20;
const OF_SOURCE_MAX: u32 = 100;
const OF_ALL_MAX: u32 = 10_000;
const WINDOW: Duration = Duration::from_secs(60);

/// Who enters codes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Guesser {
    Everybody,
    Source(IpAddr),
    /// By what recognises it.
    Browser(String),
}

impl Guesser {
    const fn wrong_max(&self) -> u32 {
        match self {
            Self::Everybody => OF_ALL_MAX,
            Self::Source(_) => OF_SOURCE_MAX,
            Self::Browser(_) => OF_BROWSER_MAX,
        }
    }
}

/// Who enters a code: an address, and a browser if it was recognised.
#[derive(Clone, Debug)]
pub(super) struct Entering(Vec<Guesser>);

impl Entering {
    pub(super) fn new(source: IpAddr, browser: Option<String>) -> Self {
        let browser = browser.map(Guesser::Browser);
        Self(
            [Guesser::Everybody, Guesser::Source(source)]
                .into_iter()
                .chain(browser)
                .collect(),
        )
    }
}

/// Counts the entries of a window, those that are being looked up included. Each guesser counts in all,
/// so there are no more guessers than wrong entries.
#[derive(Debug, Default)]
pub(super) struct Guesses {
    since: Option<Timestamp>,
    counts: HashMap<Guesser, u32>,
}

impl Guesses {
    /// Counts an entry before it is looked up. Where there were too many, the error says how long
    /// to wait.
    pub(super) fn enter(&mut self, who: &Entering, now: Timestamp) -> Result<(), Duration> {
        let since = self
            .since
            // A window that lies ahead is one of a clock that was set back since: it would keep
            // everybody out until then.
            .filter(|since| *since <= now && now < since.after(WINDOW))
            .unwrap_or_else(|| {
                self.counts.clear();
                now
            });

        self.since = Some(since);

        let count = |guesser: &Guesser| self.counts.get(guesser).copied().unwrap_or_default();
        if who
            .0
            .iter()
            .any(|guesser| count(guesser) >= guesser.wrong_max())
        {
            return Err(since.after(WINDOW).since(now));
        }

        for guesser in &who.0 {
            *self.counts.entry(guesser.clone()).or_default() += 1;
        }

        Ok(())
    }

    /// An entry was right: it does not count as a guess.
    pub(super) fn was_right(&mut self, who: &Entering) {
        for guesser in &who.0 {
            // Another window may have begun since the entry was counted.
            if let Some(count) = self.counts.get_mut(guesser) {
                *count = count.saturating_sub(1);
            }
        }

        self.counts.retain(|_, count| *count > 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(source: u8, browser: Option<&str>) -> Entering {
        let source = IpAddr::from([203, 0, 113, source]);
        Entering::new(source, browser.map(str::to_owned))
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn a_hundred_guesses_are_made_from_an_address_in_a_minute() {
        let mut guesses = Guesses::default();
        for _ in 0..1_000 {
            guesses.enter(&who(1, None), at(0)).unwrap();
            guesses.was_right(&who(1, None));
        }

        for _ in 0..OF_SOURCE_MAX {
            guesses.enter(&who(1, None), at(10)).unwrap();
        }

        assert_eq!(
            guesses.enter(&who(1, None), at(20)),
            Err(Duration::from_secs(40))
        );
        assert_eq!(
            guesses.enter(&who(1, None), at(59)),
            Err(Duration::from_secs(1))
        );
        guesses.enter(&who(2, None), at(59)).expect("somebody else");

        guesses.enter(&who(1, None), at(60)).unwrap();
        guesses.enter(&who(1, None), at(0)).unwrap();
    }

    #[test]
    fn a_browser_guesses_less_than_its_address() {
        let mut guesses = Guesses::default();
        for _ in 0..OF_BROWSER_MAX {
            guesses.enter(&who(1, Some("a")), at(0)).unwrap();
        }

        assert!(guesses.enter(&who(1, Some("a")), at(0)).is_err());
        assert!(
            guesses.enter(&who(2, Some("a")), at(0)).is_err(),
            "at another address"
        );
        guesses
            .enter(&who(1, Some("b")), at(0))
            .expect("another browser");
    }

    #[test]
    fn all_together_have_a_bound() {
        let mut guesses = Guesses::default();
        for number in 0..OF_ALL_MAX {
            let source = IpAddr::from(number.to_be_bytes());
            guesses.enter(&Entering::new(source, None), at(0)).unwrap();
        }

        assert!(guesses.enter(&who(1, None), at(0)).is_err());
        assert!(guesses.counts.len() <= OF_ALL_MAX as usize + 1);
    }
}
