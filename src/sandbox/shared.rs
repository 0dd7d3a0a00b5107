//! What all stand-ins share.

use std::collections::VecDeque;

use parking_lot::Mutex;
use serde::Serialize;

use super::credentials::{Credentials, Keys};
use super::fault::Faults;
use super::record::Records;
use crate::clock::Clock;

/// Access tokens remembered; the oldest go first.
const ACCESS_TOKENS_MAX: usize = 1000;

/// Where the stand-ins listen: base URLs without a slash at the end.
#[derive(Clone, Debug, Serialize)]
pub struct Endpoints {
    /// Apple's push service.
    pub apns: String,
    /// Google's push service; its token endpoint is `/token` there.
    pub fcm: String,
    /// Twilio.
    pub twilio: String,
    /// The generic SMS gateway; any path.
    pub sms_gateway: String,
    /// The website; any path may be called back.
    pub website: String,
    /// The control API: `/sandbox/…`.
    pub control: String,
}

/// Shared by all connections.
pub(super) struct State {
    pub(super) clock: Clock,
    pub(super) endpoints: Endpoints,
    pub(super) credentials: Credentials,
    pub(super) keys: Keys,
    pub(super) records: Records,
    pub(super) faults: Faults,
    /// FCM: given out, with the time each ends (seconds since the epoch).
    pub(super) access_tokens: Mutex<VecDeque<(String, i64)>>,
}

impl State {
    pub(super) fn token_uri(&self) -> String {
        format!("{}/token", self.endpoints.fcm)
    }

    pub(super) fn keep_access_token(&self, token: String, ends_at: i64) {
        let mut tokens = self.access_tokens.lock();
        if tokens.len() >= ACCESS_TOKENS_MAX {
            tokens.pop_front();
        }
        tokens.push_back((token, ends_at));
    }

    pub(super) fn is_access_token(&self, token: &str) -> bool {
        let now = self.clock.now().as_secs();
        self.access_tokens
            .lock()
            .iter()
            .any(|(known, ends_at)| known == token && now < *ends_at)
    }
}
