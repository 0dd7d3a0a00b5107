//! What callbacks look like from outside.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::clock::Timestamp;
use crate::ids::{InvalidId, TransactionId, parse_uuid};
use crate::store::rows::callback_state;

/// Identifies a callback across all its attempts: the `webhook-id` on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallbackId(Uuid);

impl CallbackId {
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    pub(super) const fn into_bytes(self) -> [u8; 16] {
        self.0.into_bytes()
    }

    /// `None` for what is no id.
    pub(super) fn from_row(bytes: &[u8]) -> Option<Self> {
        Uuid::from_slice(bytes).ok().map(Self)
    }
}

impl fmt::Display for CallbackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for CallbackId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        parse_uuid(text).map(Self)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallbackState {
    /// To be sent, now or later.
    Due,
    /// The website has accepted it.
    Delivered,
    /// All attempts have failed. It can be replayed.
    Dead,
}

impl CallbackState {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }

    /// The state with this name on the wire.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Due, Self::Delivered, Self::Dead]
            .into_iter()
            .find(|state| state.as_str() == text)
    }

    pub(super) const fn as_row(self) -> i16 {
        match self {
            Self::Due => callback_state::DUE,
            Self::Delivered => callback_state::DELIVERED,
            Self::Dead => callback_state::DEAD,
        }
    }

    /// `None` for values that are never written.
    pub(super) const fn from_row(state: i16) -> Option<Self> {
        match state {
            callback_state::DUE => Some(Self::Due),
            callback_state::DELIVERED => Some(Self::Delivered),
            callback_state::DEAD => Some(Self::Dead),
            _ => None,
        }
    }
}

/// A callback as administrators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    pub id: CallbackId,
    /// The transaction that ended; `None` where it tells a client that a log-in has.
    pub transaction_id: Option<TransactionId>,
    pub callback_uri: String,
    pub state: CallbackState,
    /// The attempts since it was created or replayed.
    pub attempts: u32,
    /// When what it tells happened.
    pub created_at: Timestamp,
    /// The time of the next attempt, or of the last one if it is finished.
    pub due_at: Timestamp,
    /// When it was delivered or became dead.
    pub finished_at: Option<Timestamp>,
    /// Why the last attempt failed. Contains nothing that the website sent.
    pub last_error: Option<String>,
}

/// The result of a request to replay a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replay {
    /// It will be sent again, with a new set of attempts.
    Queued,
    /// It is not finished yet.
    StillDue,
    NotFound,
}

/// How many callbacks may be in flight at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallbackLimits {
    pub in_flight_max: usize,
    /// The share of one host, so that a slow host does not delay the others.
    pub per_host_max: usize,
}

impl Default for CallbackLimits {
    fn default() -> Self {
        Self {
            in_flight_max: 256,
            per_host_max: 64,
        }
    }
}
