//! Tells websites that a transaction has ended, and clients that a log-in has.
//!
//! A callback is a row, written in the same commit as the last state of its transaction: a crash
//! loses none, and none is sent for something that did not happen. The worker claims rows that are
//! due, signs and sends them, and retries until the website accepts them or about a day has passed.
//! Then they are dead letters, which administrators can list and replay.
//!
//! A website may receive a callback more than once; it can tell by the `webhook-id`. A callback does
//! not contain the result of the transaction, which the website has to fetch.

mod client;
mod guard;
mod persist;
mod queue;
mod schedule;
mod shared;
mod signature;
mod types;
mod worker;

use std::sync::Arc;

use tokio::sync::Notify;

pub use guard::{Lookup, NotPublic, SystemLookup, UrlRefusal, check_url, is_public};
pub use schedule::delay_after;
pub use types::{Callback, CallbackId, CallbackLimits, CallbackState, Replay};

use crate::base::Base;
use crate::clock::Timestamp;
use crate::egress::{Egress, InvalidEgress};
use crate::ids::{ClientId, TransactionId};
use crate::random::Random;
use crate::runtime::{Shutdown, ShutdownSignal, supervise};
use crate::secret::SecretString;
use crate::settings::Settings;
use crate::store::StoreError;
use crate::store::rows::CallbackRow;
use client::{CallbackClient, Content};
use shared::Shared;

/// The largest page of a list.
const PAGE_MAX: usize = 200;

/// What [`Callbacks`] needs.
pub struct CallbacksOptions {
    pub egress: Egress,
    /// Resolves host names: [`SystemLookup`] except in tests.
    pub lookup: Arc<dyn Lookup>,
    pub limits: CallbackLimits,
}

impl Default for CallbacksOptions {
    fn default() -> Self {
        Self {
            egress: Egress::default(),
            lookup: Arc::new(SystemLookup),
            limits: CallbackLimits::default(),
        }
    }
}

/// Callbacks to websites. Cheap to clone.
#[derive(Clone)]
pub struct Callbacks(Arc<Shared>);

impl Callbacks {
    /// Builds the HTTP clients. Nothing is sent before [`Callbacks::run`].
    pub fn new(base: &Base, options: CallbacksOptions) -> Result<Self, InvalidEgress> {
        let client = CallbackClient::new(&options.egress, options.lookup)?;
        Ok(Self(Arc::new(Shared {
            base: base.clone(),
            client,
            limits: options.limits,
            wake: Notify::new(),
        })))
    }

    /// Checks whether a website may request a callback to this URI. While the allow list is on, it
    /// must be exactly one of the configured endpoints. It must always pass [`check_url`], and must not
    /// be an endpoint of other websites.
    pub fn check(
        settings: &Settings,
        website: &ClientId,
        callback_uri: &str,
    ) -> Result<(), UrlRefusal> {
        match client::target(settings, callback_uri)? {
            // As if it were not there: whose it is, is nobody's business.
            (_, Some(endpoint)) if !endpoint.admits(website) => Err(UrlRefusal::NotConfigured),
            _ => Ok(()),
        }
    }

    /// The row to insert when a transaction ends.
    #[must_use]
    pub fn row(
        transaction_id: TransactionId,
        callback_uri: String,
        now: Timestamp,
        random: &dyn Random,
    ) -> CallbackRow {
        persist::new_row(
            Content::Transaction(transaction_id),
            callback_uri,
            now,
            random,
        )
    }

    /// The row to insert when a client is to be told that a log-in has ended, at its
    /// `backchannel_logout_uri`. It goes out within a second.
    #[must_use]
    pub fn logout_row(
        logout_token: SecretString,
        address: String,
        now: Timestamp,
        random: &dyn Random,
    ) -> CallbackRow {
        persist::new_row(Content::Logout(logout_token), address, now, random)
    }

    /// Makes the worker look for rows now. Call it after committing a row; otherwise the worker
    /// finds it within a second.
    pub fn wake(&self) {
        self.0.wake.notify_one();
    }

    /// Sends callbacks until shutdown, then waits for those in flight, which takes at most ten
    /// seconds. After a panic the worker is restarted.
    pub async fn run(&self, shutdown: ShutdownSignal) {
        let drained = Notify::new();

        let work = || async {
            worker::Worker::new(Arc::clone(&self.0))
                .run(shutdown.clone())
                .await;
            drained.notify_one();
        };

        // `supervise` would drop the worker at shutdown, but callbacks in flight must be saved. So
        // it is given a signal that never comes, and this function returns when the worker does.
        let never = Shutdown::default();
        let Base { clock, metrics, .. } = &self.0.base;

        tokio::select! {
            () = supervise("callbacks", clock, metrics, never.signal(), work) => {}
            () = drained.notified() => {}
        }
    }

    /// Lists callbacks in the order of their creation, starting after `after`; those of one state,
    /// or of all. Returns at most 200.
    pub async fn list(
        &self,
        state: Option<CallbackState>,
        after: Option<CallbackId>,
        limit: usize,
    ) -> Result<Vec<Callback>, StoreError> {
        persist::list(&self.0.base.store, state, after, limit.min(PAGE_MAX)).await
    }

    /// Sends a finished callback again.
    pub async fn replay(&self, id: CallbackId) -> Result<Replay, StoreError> {
        let replay = persist::replay(&self.0.base.store, id, self.0.base.clock.now()).await?;
        self.wake();
        Ok(replay)
    }
}
