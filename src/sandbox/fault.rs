//! What the stand-ins can be told to do wrong.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// Who is stood in for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// Apple's push service.
    Apns,
    /// Google's push service: sending.
    Fcm,
    /// Google's push service: the token endpoint.
    FcmToken,
    /// Twilio's Messages API.
    Twilio,
    /// The generic SMS gateway.
    Http,
    /// A website that is called back.
    Website,
}

/// Something that goes wrong. Several at once are possible: a delay, then a refusal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fault {
    /// The status to answer with; without one the answer is as usual.
    pub status: Option<u16>,
    /// The provider's own reason code, put where that provider puts it.
    pub reason: Option<String>,
    /// `Retry-After`.
    pub retry_after_seconds: Option<u32>,
    /// APNs with status 410: since when the address is gone, in milliseconds since the epoch; now,
    /// if left out.
    pub since_millis: Option<i64>,
    /// Waits before anything else.
    pub delay_millis: u64,
    /// Closes the connection instead of answering.
    pub drop_connection: bool,
    /// How many requests it happens to; all, if left out.
    pub times: Option<u32>,
}

impl Fault {
    /// Answers with this status.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self {
            status: Some(status),
            ..Self::default()
        }
    }

    /// Never answers: longer than any client waits.
    #[must_use]
    pub fn hang() -> Self {
        Self {
            delay_millis: 3_600_000,
            ..Self::default()
        }
    }

    /// Closes the connection instead of answering.
    #[must_use]
    pub fn drop_connection() -> Self {
        Self {
            drop_connection: true,
            ..Self::default()
        }
    }

    /// With this reason code.
    #[must_use]
    pub fn reason(mut self, reason: &str) -> Self {
        self.reason = Some(reason.to_owned());
        self
    }

    /// With `Retry-After`.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// APNs with status 410: the address is gone since then.
    #[must_use]
    pub fn since(mut self, since: Timestamp) -> Self {
        self.since_millis = Some(since.as_millis());
        self
    }

    /// Only to so many requests.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    pub(super) fn delay(&self) -> Duration {
        Duration::from_millis(self.delay_millis)
    }
}

/// What each provider is told to do wrong, if anything.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<HashMap<Provider, Fault>>);

impl Faults {
    pub(super) fn set(&self, provider: Provider, fault: Fault) {
        self.0.lock().insert(provider, fault);
    }

    pub(super) fn clear(&self, provider: Provider) {
        self.0.lock().remove(&provider);
    }

    /// The fault for the next request, which uses it up once.
    pub(super) fn take(&self, provider: Provider) -> Option<Fault> {
        let mut faults = self.0.lock();
        let fault = faults.get_mut(&provider)?;
        match &mut fault.times {
            None => Some(fault.clone()),
            Some(0) => {
                faults.remove(&provider);
                None
            }
            Some(times) => {
                *times -= 1;
                Some(fault.clone())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_happens_as_often_as_told() {
        let faults = Faults::default();
        assert_eq!(faults.take(Provider::Apns), None);

        faults.set(Provider::Apns, Fault::status(503).times(2));
        let happened = (0..4)
            .filter(|_| faults.take(Provider::Apns).is_some())
            .count();
        assert_eq!(happened, 2);

        faults.set(Provider::Apns, Fault::status(503));

        assert!((0..4).all(|_| faults.take(Provider::Apns).is_some()));
        assert_eq!(faults.take(Provider::Fcm), None);

        faults.clear(Provider::Apns);

        assert_eq!(faults.take(Provider::Apns), None);
    }
}
