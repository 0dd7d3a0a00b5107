//! Telling websites that a transaction has ended.
//!
//! The callback is a row, written in the same commit as the transaction's last state; nothing is
//! lost by a crash, and nothing is sent that did not happen. The worker claims rows that are due,
//! signs, sends and repeats until the website has taken them or a day has passed; then they are
//! dead letters, which can be seen and replayed. A website may get a callback twice (`webhook-id`
//! tells) and asks for the result itself: a callback carries none.

mod client;
mod guard;
mod persist;
mod queue;
mod schedule;
mod signature;
mod worker;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use tokio::sync::Notify;
use uuid::Uuid;

pub use guard::{Lookup, NotPublic, Refusal, SystemLookup, check_url, is_public};
pub use schedule::delay_after;

use crate::clock::{Clock, Timestamp};
use crate::egress::{Egress, InvalidEgress};
use crate::ids::{InvalidId, TransactionId, uuid_v7};
use crate::random::{Random, SharedRandom};
use crate::runtime::{Shutdown, ShutdownSignal, supervise};
use crate::settings::{CurrentSettings, Settings};
use crate::store::rows::{CallbackRow, callback_state};
use crate::store::{Store, StoreError};
use crate::telemetry::Metrics;
use client::CallbackClient;

/// The most callbacks in one page of a list.
const PAGE_MAX: usize = 200;

/// A callback: `webhook-id` on the wire, the same over all its attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallbackId(Uuid);

impl CallbackId {
    /// From the 16 bytes it is stored as.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    fn from_row(bytes: &[u8]) -> Self {
        Self(Uuid::from_slice(bytes).unwrap_or_default())
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
        if text.len() == 36 {
            Uuid::try_parse(text)
                .map(Self)
                .map_err(|_| InvalidId::Malformed)
        } else {
            Err(InvalidId::Malformed)
        }
    }
}

/// How a callback stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallbackState {
    /// To be sent, now or later.
    Due,
    /// The website took it.
    Delivered,
    /// Given up. It can be replayed.
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

    /// The state of this name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Due, Self::Delivered, Self::Dead]
            .into_iter()
            .find(|state| state.as_str() == text)
    }

    const fn as_row(self) -> i16 {
        match self {
            Self::Due => callback_state::DUE,
            Self::Delivered => callback_state::DELIVERED,
            Self::Dead => callback_state::DEAD,
        }
    }

    const fn from_row(state: i16) -> Self {
        match state {
            callback_state::DELIVERED => Self::Delivered,
            callback_state::DEAD => Self::Dead,
            _ => Self::Due,
        }
    }
}

/// A callback, for administrators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    pub id: CallbackId,
    /// The transaction it is about.
    pub transaction_id: TransactionId,
    pub callback_uri: String,
    pub state: CallbackState,
    /// How often it was tried since it was made or replayed.
    pub attempts: u32,
    /// When the transaction ended.
    pub created_at: Timestamp,
    /// When it is tried next, or was tried last.
    pub due_at: Timestamp,
    /// When it was delivered or given up.
    pub finished_at: Option<Timestamp>,
    /// Why the last attempt failed, without anything the website sent.
    pub last_error: Option<String>,
}

/// What became of the wish to replay a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replay {
    /// It is sent again, with all its attempts before it.
    Queued,
    /// It is still on its way.
    StillDue,
    /// There is none of this id.
    NotFound,
}

/// How many callbacks may be on their way at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallbackLimits {
    pub in_flight_max: usize,
    /// To one host, so that a slow one does not hold up the others.
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

/// What callbacks are made with.
pub struct CallbacksOptions {
    /// Where the rows are.
    pub store: Store,
    /// Which endpoints there are, with their credentials.
    pub settings: CurrentSettings,
    /// How calls to the outside are made.
    pub egress: Egress,
    /// Looks names up: [`SystemLookup`] outside of tests.
    pub lookup: Arc<dyn Lookup>,
    /// How many at once.
    pub limits: CallbackLimits,
    pub clock: Clock,
    /// For ids and jitter.
    pub random: SharedRandom,
    pub metrics: Metrics,
}

/// Callbacks to websites. Cheap to clone.
#[derive(Clone)]
pub struct Callbacks(Arc<Inner>);

struct Inner {
    store: Store,
    settings: CurrentSettings,
    client: CallbackClient,
    limits: CallbackLimits,
    clock: Clock,
    random: SharedRandom,
    metrics: Metrics,
    wake: Notify,
}

impl Callbacks {
    /// Prepares the clients; nothing is sent before [`Callbacks::run`].
    pub fn new(options: CallbacksOptions) -> Result<Self, InvalidEgress> {
        let client = CallbackClient::new(&options.egress, options.lookup)?;
        Ok(Self(Arc::new(Inner {
            store: options.store,
            settings: options.settings,
            client,
            limits: options.limits,
            clock: options.clock,
            random: options.random,
            metrics: options.metrics,
            wake: Notify::new(),
        })))
    }

    /// Whether a website may ask for a callback to this address: one of the configured endpoints,
    /// compared exactly, while the allow list is on; and in no case one that the guard refuses as
    /// written.
    pub fn check(settings: &Settings, callback_uri: &str) -> Result<(), Refusal> {
        client::target(settings, callback_uri).map(drop)
    }

    /// The row to be written when a transaction ends.
    #[must_use]
    pub fn row(
        transaction_id: TransactionId,
        callback_uri: String,
        now: Timestamp,
        random: &dyn Random,
    ) -> CallbackRow {
        CallbackRow {
            id: uuid_v7(now, random).into_bytes().to_vec(),
            transaction_id: transaction_id.as_bytes().to_vec(),
            callback_uri,
            state: callback_state::DUE,
            attempts: 0,
            created_at: now.as_millis(),
            due_at: now.as_millis(),
            lease_until: 0,
            fence: 0,
            finished_at: None,
            last_error: None,
        }
    }

    /// A row was committed: look now instead of at the next second. A hint; a lost one costs a
    /// second.
    pub fn wake(&self) {
        self.0.wake.notify_one();
    }

    /// Sends callbacks until shutdown, then finishes those on their way, which takes ten seconds at
    /// most. A panic is counted and survived.
    pub async fn run(&self, shutdown: ShutdownSignal) {
        let drained = Notify::new();
        let never = Shutdown::default();

        let work = || async {
            worker::Worker::new(Arc::clone(&self.0))
                .run(shutdown.clone())
                .await;
            drained.notify_one();
        };

        let on_panic = || self.0.metrics.actor_panicked("callbacks");
        tokio::select! {
            () = supervise("callbacks", self.0.clock.clone(), never.signal(), work, on_panic) => {}
            () = drained.notified() => {}
        }
    }

    /// Callbacks in the order they were made, from the first after `after` on; of all states, or
    /// one. At most 200.
    pub async fn list(
        &self,
        state: Option<CallbackState>,
        after: Option<CallbackId>,
        limit: usize,
    ) -> Result<Vec<Callback>, StoreError> {
        persist::list(&self.0.store, state, after, limit.min(PAGE_MAX)).await
    }

    /// Sends a finished callback once more.
    pub async fn replay(&self, id: CallbackId) -> Result<Replay, StoreError> {
        let replay = persist::replay(&self.0.store, id, self.0.clock.now()).await?;
        self.wake();
        Ok(replay)
    }
}
