//! The callback worker with the sandbox's website as receiver, and a manual clock.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use countersign::base::Base;
use countersign::callbacks::{
    Callback, CallbackId, CallbackLimits, CallbackState, Callbacks, CallbacksOptions, Lookup,
};
use countersign::clock::{Clock, Timestamp};
use countersign::egress::Egress;
use countersign::ids::TransactionId;
use countersign::random::SystemRandom;
use countersign::runtime::Shutdown;
use countersign::sandbox::{Sandbox, SandboxOptions};
use countersign::secret::{Keyring, SecretString};
use countersign::settings::{CallbackEndpoint, CurrentSettings, MobileAuthentication, Settings};
use countersign::store::Store;
use countersign::store::journal::{Entry, Insert, Outcome};
use countersign::store::rows::{CallbackRow, TransactionRow};
use countersign::telemetry::Metrics;
use futures_util::future::BoxFuture;
use tokio::task::JoinHandle;

use crate::support::databases::Database;
use crate::support::rows;

pub(super) const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_000);

/// Resolves all names to these addresses.
struct FixedLookup(Vec<SocketAddr>);

impl Lookup for FixedLookup {
    fn addresses<'a>(&'a self, _: &'a str) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(self.0.clone()) })
    }
}

pub(super) struct Harness {
    pub(super) callbacks: Callbacks,
    pub(super) clock: Clock,
    pub(super) metrics: Metrics,
    pub(super) sandbox: Sandbox,
    pub(super) settings: CurrentSettings,
    pub(super) shutdown: Shutdown,
    pub(super) store: Store,
    pub(super) task: JoinHandle<()>,
    _database: Database,
}

impl Harness {
    pub(super) async fn start(database: Database) -> Self {
        Self::start_with(database, Vec::new(), CallbackLimits::default()).await
    }

    pub(super) async fn start_with(
        database: Database,
        addresses: Vec<SocketAddr>,
        limits: CallbackLimits,
    ) -> Self {
        let egress = Egress::default();
        Self::start_behind(egress, database, addresses, limits).await
    }

    /// Started with this way to the outside.
    pub(super) async fn start_behind(
        egress: Egress,
        database: Database,
        addresses: Vec<SocketAddr>,
        limits: CallbackLimits,
    ) -> Self {
        let base = Base {
            clock: Clock::manual(NOW),
            ..Base::new(database.store(), Keyring::new(&[7; 32]))
        };
        let sandbox = Sandbox::start(SandboxOptions {
            clock: base.clock.clone(),
            ..SandboxOptions::default()
        })
        .unwrap();

        base.settings
            .replace(with_endpoint(Settings::default(), endpoint_of(&sandbox)));

        let options = CallbacksOptions {
            lookup: Arc::new(FixedLookup(addresses)),
            limits,
            egress,
        };

        let callbacks = Callbacks::new(&base, options).unwrap();
        let shutdown = Shutdown::default();
        let task = {
            let (callbacks, signal) = (callbacks.clone(), shutdown.signal());
            tokio::spawn(async move { callbacks.run(signal).await })
        };

        Self {
            callbacks,
            clock: base.clock,
            metrics: base.metrics,
            sandbox,
            settings: base.settings,
            shutdown,
            store: base.store,
            task,
            _database: database,
        }
    }

    /// The callback URI of the sandbox's website.
    pub(super) fn website(&self) -> String {
        format!("{}/callback", self.sandbox.endpoints().website)
    }

    /// Configures a further endpoint, which may be in a private network.
    pub(super) fn allow(&self, url: &str) {
        let endpoint = CallbackEndpoint {
            url: url.to_owned(),
            credentials: None,
            signing_secrets: Vec::new(),
            allow_private: true,
            clients: Default::default(),
        };

        self.settings
            .replace(with_endpoint((*self.settings.load()).clone(), endpoint));
    }

    /// Allows callbacks to endpoints that are not configured.
    pub(super) fn without_allow_list(&self) {
        let general = MobileAuthentication {
            callback_allow_list_enabled: false,
            ..MobileAuthentication::default()
        };
        let settings = Settings {
            mobile_authentication: Arc::new(general),
            ..(*self.settings.load()).clone()
        };
        self.settings.replace(settings);
    }

    /// Adds a finished transaction of alice's and its callback.
    pub(super) async fn add(&self, uri: &str) -> (CallbackId, TransactionId) {
        let transaction_id = TransactionId::new(self.clock.now(), &SystemRandom);
        let row = Callbacks::row(
            transaction_id,
            uri.to_owned(),
            self.clock.now(),
            &SystemRandom,
        );

        let id = CallbackId::from_bytes(row.id.clone().try_into().unwrap());
        let inserts = vec![Insert::from(transaction(transaction_id)), Insert::from(row)];
        let entry = Entry {
            inserts,
            ..Entry::default()
        };
        assert_eq!(self.store.commit(entry).await, Ok(Outcome::Committed));

        self.callbacks.wake();

        (id, transaction_id)
    }

    /// Adds a callback whose transaction has an id that no version writes.
    pub(super) async fn add_corrupt(&self, uri: &str) {
        let (now, id) = (self.clock.now(), TransactionId::from_bytes([0; 16]));
        let row = CallbackRow {
            transaction_id: vec![1, 2, 3],
            ..Callbacks::row(id, uri.to_owned(), now, &SystemRandom)
        };

        let entry = Entry {
            inserts: vec![Insert::from(row)],
            ..Entry::default()
        };
        assert_eq!(self.store.commit(entry).await, Ok(Outcome::Committed));
    }

    /// Moves the clock and wakes the worker.
    pub(super) fn advance(&self, by: Duration) {
        self.clock.advance(by);
        self.callbacks.wake();
    }

    /// Waits until the callback is as wanted, for up to 20 seconds.
    pub(super) async fn until(
        &self,
        id: CallbackId,
        wanted: impl Fn(&Callback) -> bool,
    ) -> Callback {
        let look = async {
            loop {
                let all = self.callbacks.list(None, None, usize::MAX).await.unwrap();
                match all.into_iter().find(|callback| callback.id == id) {
                    Some(callback) if wanted(&callback) => return callback,
                    _ => tokio::task::yield_now().await,
                }
            }
        };

        tokio::time::timeout(Duration::from_secs(20), look)
            .await
            .expect("the callback gets into the wanted state")
    }

    pub(super) async fn until_delivered(&self, id: CallbackId) -> Callback {
        self.until(id, |callback| callback.state == CallbackState::Delivered)
            .await
    }

    pub(super) async fn until_attempts(&self, id: CallbackId, attempts: u32) -> Callback {
        self.until(id, |callback| callback.attempts == attempts)
            .await
    }
}

impl Drop for Harness {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn with_endpoint(mut settings: Settings, endpoint: CallbackEndpoint) -> Settings {
    settings
        .callback_endpoints
        .insert(endpoint.url.clone(), Arc::new(endpoint));
    settings
}

fn endpoint_of(sandbox: &Sandbox) -> CallbackEndpoint {
    let credentials = sandbox.credentials();
    let secret = |text: &str| SecretString::new(text.to_owned());

    CallbackEndpoint {
        url: format!("{}/callback", sandbox.endpoints().website),
        credentials: Some((
            credentials.callback_username.clone(),
            secret(&credentials.callback_password),
        )),
        signing_secrets: vec![secret(&credentials.callback_signing_secret)],
        allow_private: true,
        clients: Default::default(),
    }
}

/// A transaction that has been accepted.
fn transaction(id: TransactionId) -> TransactionRow {
    TransactionRow {
        id: id.as_bytes().to_vec(),
        version: 1,
        status: 1,
        device_id: Some("phone".to_owned()),
        finished_at: Some(NOW.as_millis()),
        ..rows::transaction()
    }
}
