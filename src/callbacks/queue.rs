//! Claimed callbacks that wait to be sent. Hosts take turns, so that a slow host does not delay the
//! others. Pure.

use std::collections::{BTreeSet, HashMap, VecDeque};

use url::Url;

use super::types::CallbackLimits;
use crate::store::rows::CallbackRow;

/// Bounds the waiting callbacks: this many times the callbacks in flight.
const WAITING_FACTOR: usize = 16;

/// A host with its port.
pub(super) type Host = String;

/// The callbacks of one host.
#[derive(Default)]
struct Lane {
    in_flight: usize,
    waiting: VecDeque<CallbackRow>,
}

pub(super) struct Queue {
    limits: CallbackLimits,
    lanes: HashMap<Host, Lane>,
    /// The hosts with waiting callbacks, in the order of their turns.
    turns: VecDeque<Host>,
    in_flight: usize,
    waiting: usize,
}

impl Queue {
    pub(super) fn new(limits: CallbackLimits) -> Self {
        Self {
            limits,
            lanes: HashMap::new(),
            turns: VecDeque::new(),
            in_flight: 0,
            waiting: 0,
        }
    }

    /// How many rows to claim next.
    pub(super) fn room(&self) -> usize {
        let full = self.waiting >= self.limits.in_flight_max.saturating_mul(WAITING_FACTOR);
        if full { 0 } else { self.limits.in_flight_max }
    }

    /// The hosts that have enough waiting callbacks. No more of theirs should be claimed, or they would
    /// fill the queue.
    pub(super) fn saturated(&self) -> BTreeSet<Host> {
        let lanes = self
            .lanes
            .iter()
            .filter(|(_, lane)| lane.waiting.len() >= self.limits.per_host_max);
        lanes.map(|(host, _)| host.clone()).collect()
    }

    /// Adds a claimed row.
    pub(super) fn push(&mut self, row: CallbackRow) {
        let host = host_of(&row.callback_uri);
        let lane = self.lanes.entry(host.clone()).or_default();
        if lane.waiting.is_empty() {
            self.turns.push_back(host);
        }

        lane.waiting.push_back(row);
        self.waiting += 1;
    }

    /// The next row to send, if the limits allow one. It counts as in flight until
    /// [`Queue::ended`].
    pub(super) fn next(&mut self) -> Option<(Host, CallbackRow)> {
        if self.in_flight >= self.limits.in_flight_max {
            return None;
        }

        // Once around: every host is asked once, and a host that is at its limit loses only this
        // turn.
        for _ in 0..self.turns.len() {
            let host = self.turns.pop_front()?;
            let Some(lane) = self.lanes.get_mut(&host) else {
                continue;
            };

            if lane.in_flight < self.limits.per_host_max
                && let Some(row) = lane.waiting.pop_front()
            {
                lane.in_flight += 1;
                self.in_flight += 1;
                self.waiting -= 1;

                if !lane.waiting.is_empty() {
                    self.turns.push_back(host.clone());
                }

                return Some((host, row));
            }

            self.turns.push_back(host);
        }

        None
    }

    /// Notes that an attempt to this host has ended.
    pub(super) fn ended(&mut self, host: &Host) {
        let Some(lane) = self.lanes.get_mut(host) else {
            return;
        };

        lane.in_flight = lane.in_flight.saturating_sub(1);
        self.in_flight = self.in_flight.saturating_sub(1);

        // Else the map would keep every host that a website has ever named.
        if lane.in_flight == 0 && lane.waiting.is_empty() {
            self.lanes.remove(host);
        }
    }

    /// Removes and returns all waiting rows.
    pub(super) fn take_waiting(&mut self) -> Vec<CallbackRow> {
        self.turns.clear();
        self.waiting = 0;

        let rows = self
            .lanes
            .values_mut()
            .flat_map(|lane| lane.waiting.drain(..))
            .collect();

        self.lanes.retain(|_, lane| lane.in_flight > 0);

        rows
    }
}

/// The host of a callback's address, with its port.
pub(super) fn host_of(uri: &str) -> Host {
    let url = Url::parse(uri).ok();
    let host = url.as_ref().and_then(|url| {
        Some(format!(
            "{}:{}",
            url.host_str()?,
            url.port_or_known_default()?
        ))
    });

    host.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::callbacks::client::Content;
    use crate::callbacks::persist;
    use crate::clock::Timestamp;
    use crate::ids::TransactionId;
    use crate::random::SystemRandom;

    fn row(host: &str) -> CallbackRow {
        let now = Timestamp::from_millis(0);
        persist::new_row(
            Content::Transaction(TransactionId::new(now, &SystemRandom)),
            format!("https://{host}/"),
            now,
            &SystemRandom,
        )
    }

    fn queue(in_flight_max: usize, per_host_max: usize) -> Queue {
        Queue::new(CallbackLimits {
            in_flight_max,
            per_host_max,
        })
    }

    fn next_host(queue: &mut Queue) -> Option<String> {
        queue
            .next()
            .map(|(host, _)| host.split(':').next().unwrap_or_default().to_owned())
    }

    #[test]
    fn hosts_take_turns_and_none_has_more_than_its_share() {
        let mut queue = queue(4, 2);
        for host in ["a", "a", "a", "b", "c"] {
            queue.push(row(host));
        }

        let sent: Vec<_> = std::iter::from_fn(|| next_host(&mut queue)).collect();
        assert_eq!(sent, ["a", "b", "c", "a"]);

        queue.ended(&"b:443".to_owned());
        assert_eq!(next_host(&mut queue), None, "a has its two");

        queue.ended(&"a:443".to_owned());
        assert_eq!(next_host(&mut queue).as_deref(), Some("a"));
    }

    #[test]
    fn a_host_with_enough_waiting_callbacks_is_saturated_until_some_are_sent() {
        let mut queue = queue(4, 2);
        for host in ["a", "a", "b"] {
            queue.push(row(host));
        }

        assert_eq!(queue.saturated().into_iter().collect::<Vec<_>>(), ["a:443"]);

        assert!(queue.next().is_some());
        assert!(queue.saturated().is_empty());
    }

    #[test]
    fn the_queue_has_a_bound() {
        let mut queue = queue(2, 1);
        while queue.room() > 0 {
            queue.push(row("a"));
        }

        assert_eq!(queue.take_waiting().len(), 32);
        assert!(queue.lanes.is_empty() && queue.turns.is_empty() && queue.room() == 2);
    }
}
