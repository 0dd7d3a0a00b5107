//! What the stand-ins received.

use std::collections::{BTreeMap, HashMap, VecDeque};

use parking_lot::Mutex;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;

use super::fault::Provider;

/// The oldest are forgotten beyond so many.
pub(super) const RECEIVED_MAX: usize = 10_000;

/// One request to a stand-in and how it was answered.
#[derive(Clone, Debug, Serialize)]
pub struct Received {
    /// Counts from 1, over all providers.
    pub sequence: u64,
    /// Whom it was meant for.
    pub provider: Provider,
    /// The push address, the telephone number, or the path called back.
    pub to: String,
    /// What was answered; 0 when the connection was dropped instead.
    pub status: u16,
    /// By name in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body as it came; what is not UTF-8 is replaced.
    pub body: String,
    /// The same read as JSON, or as a form: an object of strings. Null if it is neither.
    pub fields: Value,
    /// Milliseconds since the epoch.
    pub received_at: i64,
}

impl Received {
    /// Whether the stand-in took it.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// What an app would find in a push, or a website in a callback, under this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        let holder = match self.provider {
            Provider::Fcm => self.fields.pointer("/message/data")?,
            _ => &self.fields,
        };
        holder.get(name)?.as_str()
    }

    /// The transaction a push or a callback is about.
    #[must_use]
    pub fn transaction_id(&self) -> Option<&str> {
        self.field("transaction_id")
    }

    /// What a text message says.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self.provider {
            Provider::Twilio => self.field("Body"),
            Provider::Http => self.field("message"),
            Provider::Apns | Provider::Fcm | Provider::FcmToken | Provider::Website => None,
        }
    }

    /// The last run of exactly six digits in a text message: what a person would type.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        let mut runs = self
            .text()?
            .split(|character: char| !character.is_ascii_digit());
        runs.rfind(|run| run.len() == 6)
    }
}

/// Everything received, and a way to wait for more.
#[derive(Debug)]
pub(super) struct Records {
    kept: Mutex<Kept>,
    latest: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Kept {
    received: VecDeque<Received>,
    sequence: u64,
    arrivals: HashMap<Provider, u64>,
}

impl Records {
    pub(super) fn new() -> Self {
        Self {
            kept: Mutex::default(),
            latest: watch::channel(0).0,
        }
    }

    /// Counts a request, whether it will be answered or not.
    pub(super) fn arrived(&self, provider: Provider) {
        *self.kept.lock().arrivals.entry(provider).or_default() += 1;
    }

    /// How many requests came, answered or not.
    pub(super) fn arrivals(&self, provider: Provider) -> u64 {
        self.kept
            .lock()
            .arrivals
            .get(&provider)
            .copied()
            .unwrap_or_default()
    }

    /// Keeps it under the next sequence number.
    pub(super) fn add(&self, mut received: Received) {
        let mut kept = self.kept.lock();
        kept.sequence += 1;
        received.sequence = kept.sequence;
        if kept.received.len() >= RECEIVED_MAX {
            kept.received.pop_front();
        }
        kept.received.push_back(received);
        self.latest.send_replace(kept.sequence);
    }

    /// Those that match, oldest first, at most `limit`.
    pub(super) fn list(&self, matches: impl Fn(&Received) -> bool, limit: usize) -> Vec<Received> {
        self.kept
            .lock()
            .received
            .iter()
            .filter(|received| matches(received))
            .take(limit)
            .cloned()
            .collect()
    }

    /// The first that matches, now or when it comes. Bound the wait.
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
    fn the_code_is_what_a_person_would_type() {
        assert_eq!(sms("Order 1234567: 012345").code(), Some("012345"));
        assert_eq!(
            sms("012345\n@portal.example #012345").code(),
            Some("012345")
        );
        assert_eq!(sms("No code").code(), None);
    }

    #[tokio::test]
    async fn keeps_no_more_than_the_bound_and_wakes_who_waits() {
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
