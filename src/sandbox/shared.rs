//! The state that all stand-ins share.

use std::collections::VecDeque;

use parking_lot::Mutex;
use serde::Serialize;

use super::credentials::{Credentials, Keys};
use super::fault::Faults;
use super::record::Records;
use crate::clock::Clock;

/// How many access tokens are remembered. The oldest are forgotten first.
const ACCESS_TOKENS_MAX: usize = 1000;

/// The base URLs of the stand-ins, without a slash at the end.
#[derive(Clone, Debug, Serialize)]
pub struct Endpoints {
    pub apns: String,
    /// The token endpoint has the path `/token`.
    pub fcm: String,
    pub twilio: String,
    /// Accepts messages on any path.
    pub sms_gateway: String,
    /// Accepts callbacks on any path.
    pub website: String,
    /// Paths begin with `/sandbox`.
    pub control: String,
}

pub(super) struct State {
    pub(super) clock: Clock,
    pub(super) endpoints: Endpoints,
    pub(super) credentials: Credentials,
    pub(super) keys: Keys,
    pub(super) records: Records,
    pub(super) faults: Faults,
    /// The access tokens that FCM's token endpoint issued, with their expiry in seconds since the
    /// epoch.
    pub(super) access_tokens: Mutex<VecDeque<(String, i64)>>,
}

impl State {
    pub(super) fn token_uri(&self) -> String {
        format!("{}/token", self.endpoints.fcm)
    }

    pub(super) fn store_access_token(&self, token: String, expires_at: i64) {
        let mut tokens = self.access_tokens.lock();
        if tokens.len() >= ACCESS_TOKENS_MAX {
            tokens.pop_front();
        }
        tokens.push_back((token, expires_at));
    }

    pub(super) fn is_access_token(&self, token: &str) -> bool {
        let now = self.clock.now().as_secs();
        self.access_tokens
            .lock()
            .iter()
            .any(|(known, expires_at)| known == token && now < *expires_at)
    }
}
