//! Records what the stand-ins received.

use std::collections::{BTreeMap, HashMap, VecDeque};

use parking_lot::Mutex;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;

use super::fault::Provider;

/// How many requests are remembered. The oldest are forgotten first.
pub(super) const RECEIVED_MAX: usize = 10_000;

/// One request to a stand-in and how it was answered.
#[derive(Clone, Debug, Serialize)]
pub struct Received {
    /// Counts from 1 across all providers.
    pub sequence: u64,
    pub provider: Provider,
    /// The push address, the phone number, or the path of the callback.
    pub to: String,
    /// The status of the answer; 0 if the connection was dropped instead.
    pub status: u16,
    /// By name in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body; bytes that are not UTF-8 are replaced.
    pub body: String,
    /// The body parsed as JSON or as a form, which gives an object of strings. Null if it is neither.
    pub fields: Value,
    /// Milliseconds since the epoch.
    pub received_at: i64,
}

impl Received {
    /// Whether the stand-in accepted the request.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The value that an app finds in a push, or a website in a callback, by this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        let holder = match self.provider {
            Provider::Fcm => self.fields.pointer("/message/data")?,
            _ => &self.fields,
        };
        holder.get(name)?.as_str()
    }

    /// The transaction of a push or a callback.
    #[must_use]
    pub fn transaction_id(&self) -> Option<&str> {
        self.field("transaction_id")
    }

    /// The text of a text message.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self.provider {
            Provider::Twilio => self.field("Body"),
            Provider::Http => self.field("message"),
            Provider::Apns | Provider::Fcm | Provider::FcmToken | Provider::Website => None,
        }
    }

    /// The last group of exactly six digits in a text message.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        let mut runs = self
            .text()?
            .split(|character: char| !character.is_ascii_digit());
        runs.rfind(|run| run.len() == 6)
    }
}

/// The requests received so far.
#[derive(Debug)]
pub(super) struct Records {
    history: Mutex<History>,
    latest: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct History {
    received: VecDeque<Received>,
    sequence: u64,
    arrivals: HashMap<Provider, u64>,
}

impl Records {
    pub(super) fn new() -> Self {
        Self {
            history: Mutex::default(),
            latest: watch::channel(0).0,
        }
    }

    /// Counts a request, even if it will not be answered.
    pub(super) fn arrived(&self, provider: Provider) {
        *self.history.lock().arrivals.entry(provider).or_default() += 1;
    }

    /// The number of requests, answered or not.
    pub(super) fn arrivals(&self, provider: Provider) -> u64 {
        self.history
            .lock()
            .arrivals
            .get(&provider)
            .copied()
            .unwrap_or_default()
    }

    /// Adds a request with the next sequence number.
    pub(super) fn add(&self, mut received: Received) {
        let mut history = self.history.lock();
        history.sequence += 1;
        received.sequence = history.sequence;

        if history.received.len() >= RECEIVED_MAX {
            history.received.pop_front();
        }

        history.received.push_back(received);
        self.latest.send_replace(history.sequence);
    }

    /// Up to `limit` matching requests, oldest first.
    pub(super) fn list(&self, matches: impl Fn(&Received) -> bool, limit: usize) -> Vec<Received> {
        self.history
            .lock()
            .received
            .iter()
            .filter(|received| matches(received))
            .take(limit)
            .cloned()
            .collect()
    }

    /// The first matching request, now or when it arrives. The caller bounds the wait.
    pub(super) async fn wait_for(&self, matches: impl Fn(&Received) -> bool) -> Option<Received> {
        let mut latest = self.latest.subscribe();
        loop {
            latest.mark_unchanged();
            if let Some(found) = self.list(&matches, 1).pop() {
                return Some(found);
            }
            latest.changed().await.ok()?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sms(text: &str) -> Received {
        Received {
            sequence: 0,
            provider: Provider::Twilio,
            to: "+15005550010".to_owned(),
            status: 201,
            headers: BTreeMap::new(),
            body: String::new(),
            fields: serde_json::json!({ "Body": text }),
            received_at: 0,
        }
    }

    #[test]
    fn the_code_is_found_in_the_text() {
        assert_eq!(sms("Order 1234567: 012345").code(), Some("012345"));

        assert_eq!(
            sms("012345\n@portal.example #012345").code(),
            Some("012345")
        );

        assert_eq!(sms("No code").code(), None);
    }

    #[tokio::test]
    async fn records_are_bounded_and_wake_waiters() {
        let records = Records::new();
        for _ in 0..RECEIVED_MAX + 5 {
            records.add(sms("x"));
        }

        assert_eq!(records.list(|_| true, usize::MAX).len(), RECEIVED_MAX);

        let wanted = RECEIVED_MAX as u64 + 6;
        let (found, ()) = tokio::join!(
            records.wait_for(|received| received.sequence == wanted),
            async {
                records.add(sms("y"));
            }
        );

        assert_eq!(found.unwrap().text(), Some("y"));
    }
}
