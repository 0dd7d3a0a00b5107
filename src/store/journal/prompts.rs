//! How often a user may be prompted on a device. Pure.
//!
//! It is decided here, in the commit that owes the prompt, because only there nothing comes between
//! counting the prompts that there were and writing the next one.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::store::rows::PromptRow;

const SHORT: Duration = Duration::from_secs(5 * 60);
/// How long a prompt counts.
pub const LONG: Duration = Duration::from_secs(60 * 60);

/// All websites together may prompt a user on a device this many times as often as one of them. So
/// no website uses up another's budget, and the user's patience has a bound all the same.
const TOTAL: u32 = 2;

/// A prompt, which is written if its user's budget on the device allows it.
#[derive(Clone, Debug)]
pub struct Prompt {
    pub row: PromptRow,
    pub limits: PromptLimits,
}

/// How many prompts one website may cause for a user on a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PromptLimits {
    /// In five minutes.
    pub short_max: u32,
    /// In an hour.
    pub long_max: u32,
}

impl Prompt {
    /// Prompts at this time or before it do not count.
    pub(super) fn since(&self) -> i64 {
        self.at().before(LONG).as_millis()
    }

    /// How long the prompt has to wait, after `earlier` ones of the same user on the same device: the
    /// websites that caused them, and when. `None` if it may be sent now.
    pub(super) fn wait(&self, earlier: &[(String, i64)]) -> Option<Duration> {
        let of_website = earlier
            .iter()
            .filter(|(client, _)| *client == self.row.client_id);
        let own = times(of_website);
        let all = times(earlier.iter());

        let PromptLimits {
            short_max,
            long_max,
        } = self.limits;
        let total = |max: u32| max.saturating_mul(TOTAL);

        let waits = [
            wait(&own, short_max, SHORT, self.at()),
            wait(&own, long_max, LONG, self.at()),
            wait(&all, total(short_max), SHORT, self.at()),
            wait(&all, total(long_max), LONG, self.at()),
        ];
        waits.into_iter().flatten().max()
    }

    fn at(&self) -> Timestamp {
        Timestamp::from_millis(self.row.prompted_at)
    }
}

/// The times of prompts, the latest first.
fn times<'a>(prompts: impl Iterator<Item = &'a (String, i64)>) -> Vec<Timestamp> {
    let mut times: Vec<Timestamp> = prompts.map(|(_, at)| Timestamp::from_millis(*at)).collect();
    times.sort_unstable_by(|left, right| right.cmp(left));
    times
}

/// How long until fewer than `max` prompts lie within `window`. `None` where that is so now.
fn wait(prompts: &[Timestamp], max: u32, window: Duration, now: Timestamp) -> Option<Duration> {
    let max = usize::try_from(max).unwrap_or(usize::MAX);
    let Some(last_allowed) = max.checked_sub(1) else {
        return Some(window);
    };

    // The prompt that has to leave the window before another may enter it.
    let blocking = prompts.get(last_allowed)?;
    let free_at = blocking.after(window);
    (free_at > now).then(|| free_at.since(now))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: PromptLimits = PromptLimits {
        short_max: 2,
        long_max: 3,
    };

    /// The prompts of a user on a device.
    #[derive(Default)]
    struct Prompts {
        limits: Option<PromptLimits>,
        earlier: Vec<(String, i64)>,
    }

    impl Prompts {
        /// `Ok` if the website may prompt in this minute, else the minutes it has to wait.
        fn ask(&mut self, client: &str, minute: i64) -> Result<(), u64> {
            let prompt = Prompt {
                row: PromptRow {
                    client_id: client.to_owned(),
                    prompted_at: minute * 60_000,
                    ..PromptRow::default()
                },
                limits: self.limits.unwrap_or(LIMITS),
            };

            if let Some(wait) = prompt.wait(&self.earlier) {
                return Err(wait.as_secs() / 60);
            }

            self.earlier
                .push((prompt.row.client_id, prompt.row.prompted_at));
            Ok(())
        }
    }

    #[test]
    fn both_windows_count() {
        let mut prompts = Prompts::default();
        assert_eq!(prompts.ask("shop", 0), Ok(()));
        assert_eq!(prompts.ask("shop", 1), Ok(()));
        assert_eq!(prompts.ask("shop", 2), Err(3));
        assert_eq!(prompts.ask("shop", 5), Ok(()));
        assert_eq!(prompts.ask("shop", 30), Err(30));
        assert_eq!(prompts.ask("shop", 60), Ok(()));
    }

    #[test]
    fn a_website_leaves_others_their_share_and_all_have_a_bound() {
        let mut prompts = Prompts::default();
        assert_eq!(prompts.ask("shop", 0), Ok(()));
        assert_eq!(prompts.ask("shop", 1), Ok(()));
        assert_eq!(prompts.ask("shop", 1), Err(4));
        assert_eq!(prompts.ask("bank", 2), Ok(()));
        assert_eq!(prompts.ask("bank", 2), Ok(()));
        assert_eq!(prompts.ask("forum", 2), Err(3));
        assert_eq!(prompts.ask("forum", 5), Ok(()));
    }

    #[test]
    fn a_maximum_of_zero_allows_none() {
        let mut prompts = Prompts {
            limits: Some(PromptLimits {
                short_max: 0,
                long_max: 3,
            }),
            ..Prompts::default()
        };
        assert_eq!(prompts.ask("shop", 0), Err(5));
    }

    proptest! {
        #[test]
        fn never_more_than_the_limits_in_any_window(
            asked in proptest::collection::vec((0_i64..20, 0_usize..4), 1..200)
        ) {
            let websites = ["shop", "bank", "forum", "news"];
            let mut prompts = Prompts::default();
            let mut now = 0;

            for (pause, website) in asked {
                now += pause;
                let website = websites[website];

                if let Err(wait) = prompts.ask(website, now) {
                    // After the time it names, a prompt is allowed.
                    let mut later = Prompts { earlier: prompts.earlier.clone(), ..Prompts::default() };
                    prop_assert_eq!(later.ask(website, now + i64::try_from(wait).unwrap()), Ok(()));
                }
            }

            for (index, (client, first)) in prompts.earlier.iter().enumerate() {
                let within = |window: i64, whose: &dyn Fn(&str) -> bool| {
                    let rest = prompts.earlier[index..].iter();
                    rest.filter(|(client, at)| at - first < window * 60_000 && whose(client)).count()
                };
                let of_website = |of: &str| of == client;

                prop_assert!(within(5, &of_website) <= 2 && within(60, &of_website) <= 3);
                prop_assert!(within(5, &|_| true) <= 4 && within(60, &|_| true) <= 6);
            }
        }
    }
}
