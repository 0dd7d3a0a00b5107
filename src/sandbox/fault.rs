//! Faults: how the stand-ins can be made to fail.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    Apns,
    /// Sending with FCM.
    Fcm,
    /// The token endpoint for FCM.
    FcmToken,
    Twilio,
    /// The generic SMS gateway.
    Http,
    /// A website that receives callbacks.
    Website,
}

/// How requests fail. Members can be combined, such as a delay followed by an error.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fault {
    /// The status of the answer. If missing, the answer is the regular one.
    pub status: Option<u16>,
    /// The provider's own reason code.
    pub reason: Option<String>,
    /// `Retry-After`.
    pub retry_after_seconds: Option<u32>,
    /// For APNs with status 410: the time since which the address is invalid, in milliseconds since
    /// the epoch; default: now.
    pub since_millis: Option<i64>,
    /// How long to wait before everything else.
    pub delay_millis: u64,
    /// Whether to close the connection instead of answering.
    pub drop_connection: bool,
    /// How many requests fail; default: all.
    pub times: Option<u32>,
}

impl Fault {
    /// Answer with this status.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self {
            status: Some(status),
            ..Self::default()
        }
    }

    /// Do not answer for longer than any client waits.
    #[must_use]
    pub fn hang() -> Self {
        Self {
            delay_millis: 3_600_000,
            ..Self::default()
        }
    }

    /// Close the connection instead of answering.
    #[must_use]
    pub fn drop_connection() -> Self {
        Self {
            drop_connection: true,
            ..Self::default()
        }
    }

    /// Give this reason code.
    #[must_use]
    pub fn reason(mut self, reason: &str) -> Self {
        self.reason = Some(reason.to_owned());
        self
    }

    /// Add `Retry-After`.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// For APNs with status 410: the address is invalid since then.
    #[must_use]
    pub fn since(mut self, since: Timestamp) -> Self {
        self.since_millis = Some(since.as_millis());
        self
    }

    /// Fail only this many requests.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    pub(super) fn delay(&self) -> Duration {
        Duration::from_millis(self.delay_millis)
    }
}

/// The faults that are set.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<HashMap<Provider, Fault>>);

impl Faults {
    pub(super) fn set(&self, provider: Provider, fault: Fault) {
        self.0.lock().insert(provider, fault);
    }

    pub(super) fn clear(&self, provider: Provider) {
        self.0.lock().remove(&provider);
    }

    /// The fault for the next request. Counts it.
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
    fn a_fault_occurs_the_requested_number_of_times() {
        let faults = Faults::default();
        assert_eq!(faults.take(Provider::Apns), None);

        faults.set(Provider::Apns, Fault::status(503).times(2));

        let faulty = (0..4)
            .filter(|_| faults.take(Provider::Apns).is_some())
            .count();
        assert_eq!(faulty, 2);

        faults.set(Provider::Apns, Fault::status(503));
        assert!((0..4).all(|_| faults.take(Provider::Apns).is_some()));
        assert_eq!(faults.take(Provider::Fcm), None);

        faults.clear(Provider::Apns);
        assert_eq!(faults.take(Provider::Apns), None);
    }
}
