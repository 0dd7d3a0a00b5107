//! The server's parts put together: everything that a handler of the API may call, and what runs
//! behind it.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::Mutex;

use crate::callbacks::Callbacks;
use crate::clock::Clock;
use crate::devices::Devices;
use crate::devices::channel::{ChannelParts, Channels};
use crate::oauth::{OAuthOptions, TokenServer};
use crate::push::PushSender;
use crate::random::SharedRandom;
use crate::retention::{Retention, RetentionTimes};
use crate::runtime::{Arbiters, Shutdown, ShutdownSignal, supervise};
use crate::secret::Keyring;
use crate::settings::{CurrentSettings, StoredSettings};
use crate::sms::SmsSender;
use crate::store::{BATCH_SIZE_BOUNDS, Store};
use crate::telemetry::{Metrics, Snapshot};
use crate::transactions::{self, TransactionParts, Transactions};
use crate::users::Users;

/// Phones with something in flight, in memory.
const CHANNELS_MAX: usize = 1_000_000;

/// What the server is put together from.
pub struct AppParts {
    pub store: Store,
    pub clock: Clock,
    pub random: SharedRandom,
    pub keyring: Arc<Keyring>,
    /// In force when the server starts; changes in the database are followed.
    pub settings: CurrentSettings,
    pub callbacks: Callbacks,
    pub push: Arc<dyn PushSender>,
    pub sms: Arc<dyn SmsSender>,
    pub metrics: Metrics,
    pub oauth: OAuthOptions,
    pub retention: RetentionTimes,
    /// Threads that actors live on.
    pub arbiters: usize,
    /// Pending transactions in memory.
    pub live_transactions_max: usize,
}

/// What handlers work with. Cheap to clone.
#[derive(Clone)]
pub struct AppState {
    pub transactions: Transactions,
    /// Installations and their users.
    pub devices: Devices,
    /// What becomes of users.
    pub users: Users,
    pub token_server: TokenServer,
    /// Results on their way to websites.
    pub callbacks: Callbacks,
    pub settings: CurrentSettings,
    /// For health only: data goes through the features.
    pub store: Store,
    pub metrics: Metrics,
    pub clock: Clock,
    /// Tells everything that waits that it is time to end.
    pub shutdown: Shutdown,
    behind: Arc<Behind>,
}

/// The threads behind the handlers.
struct Behind {
    arbiters: Arc<Arbiters>,
    background: Mutex<Option<JoinHandle<()>>>,
}

impl AppState {
    /// Puts the parts together and starts what runs behind them.
    ///
    /// # Errors
    /// When the operating system gives no threads.
    pub fn start(parts: AppParts) -> io::Result<Self> {
        let arbiters = Arc::new(Arbiters::start(parts.arbiters)?);
        let shutdown = Shutdown::default();
        let devices = Devices::new(
            parts.store.clone(),
            parts.settings.clone(),
            Arc::clone(&parts.keyring),
            Arc::clone(&parts.random),
            parts.clock.clone(),
        );
        let transactions = start_transactions(&parts, &devices, &arbiters, shutdown.signal());
        let token_server = TokenServer::new(
            parts.store.clone(),
            parts.settings.clone(),
            devices.clone(),
            Arc::clone(&parts.keyring),
            parts.clock.clone(),
            Arc::clone(&parts.random),
            parts.oauth.clone(),
        );
        let background = Background {
            transactions: transactions.clone(),
            token_server: token_server.clone(),
            callbacks: parts.callbacks.clone(),
            retention: Retention {
                store: parts.store.clone(),
                clock: parts.clock.clone(),
                settings: parts.settings.clone(),
                times: parts.retention,
            },
            stored_settings: StoredSettings::new(
                parts.store.clone(),
                Arc::clone(&parts.keyring),
                parts.clock.clone(),
                Arc::clone(&parts.random),
            ),
            settings: parts.settings.clone(),
            metrics: parts.metrics.clone(),
            clock: parts.clock.clone(),
            shutdown: shutdown.signal(),
        };
        let thread = background.start()?;
        let users = Users::new(
            parts.store.clone(),
            parts.clock.clone(),
            Arc::clone(&parts.random),
        );
        Ok(Self {
            transactions,
            devices,
            users,
            token_server,
            callbacks: parts.callbacks,
            settings: parts.settings,
            store: parts.store,
            metrics: parts.metrics,
            clock: parts.clock,
            shutdown,
            behind: Arc::new(Behind {
                arbiters,
                background: Mutex::new(Some(thread)),
            }),
        })
    }

    /// Everything that is counted, in Prometheus' text format.
    #[must_use]
    pub fn rendered_metrics(&self) -> String {
        let store = self.store.statistics();
        let bounds = BATCH_SIZE_BOUNDS.iter().copied().map(Some).chain([None]);
        self.metrics.render(&Snapshot {
            live_transactions: self.transactions.live(),
            journal_commits: store.commits,
            journal_entries: [
                ("committed", store.entries),
                ("refused", store.refused),
                ("failed", store.failed),
            ],
            journal_rows: store.rows,
            journal_batches: bounds.zip(store.batch_sizes).collect(),
            store_queue: [
                ("journal", store.journal_queue),
                ("queries", store.query_queue),
            ],
        })
    }

    /// Ends what runs behind the handlers, once they have ended: the background tasks, the actors,
    /// then the store. Blocks.
    pub fn stop(self) {
        self.shutdown.begin();
        if let Some(thread) = self.behind.background.lock().take()
            && thread.join().is_err()
        {
            tracing::error!("the background thread ended with a panic");
        }
        self.behind.arbiters.stop();
        self.store.close();
    }
}

fn start_transactions(
    parts: &AppParts,
    devices: &Devices,
    arbiters: &Arc<Arbiters>,
    shutdown: ShutdownSignal,
) -> Transactions {
    let channels = Channels::new(ChannelParts {
        store: parts.store.clone(),
        clock: parts.clock.clone(),
        settings: parts.settings.clone(),
        devices: devices.clone(),
        push: Arc::clone(&parts.push),
        metrics: parts.metrics.clone(),
        arbiters: Arc::clone(arbiters),
        live_max: CHANNELS_MAX,
        prompting_methods: transactions::prompting_methods(),
    });
    Transactions::new(TransactionParts {
        store: parts.store.clone(),
        clock: parts.clock.clone(),
        random: Arc::clone(&parts.random),
        keyring: Arc::clone(&parts.keyring),
        settings: parts.settings.clone(),
        devices: devices.clone(),
        channels,
        callbacks: parts.callbacks.clone(),
        sms: Arc::clone(&parts.sms),
        metrics: parts.metrics.clone(),
        arbiters: Arc::clone(arbiters),
        live_max: parts.live_transactions_max,
        shutdown,
    })
}

/// The loops that run as long as the server does, on a thread of their own.
struct Background {
    transactions: Transactions,
    token_server: TokenServer,
    callbacks: Callbacks,
    retention: Retention,
    stored_settings: StoredSettings,
    settings: CurrentSettings,
    metrics: Metrics,
    clock: Clock,
    shutdown: ShutdownSignal,
}

impl Background {
    fn start(self) -> io::Result<JoinHandle<()>> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        std::thread::Builder::new()
            .name("background".to_owned())
            .spawn(move || runtime.block_on(self.run()))
    }

    async fn run(self) {
        tokio::join!(
            self.supervised("sweeper", || self.transactions.sweep()),
            self.supervised("retention", || self.retention.run()),
            self.supervised("settings", || self.stored_settings.follow(&self.settings)),
            self.supervised("signing-keys", || self.token_server.follow_signing_keys()),
            self.callbacks.run(self.shutdown.clone()),
        );
    }

    async fn supervised<F: Future<Output = ()>>(
        &self,
        name: &'static str,
        task: impl FnMut() -> F,
    ) {
        let on_panic = || self.metrics.actor_panicked(name);
        supervise(
            name,
            self.clock.clone(),
            self.shutdown.clone(),
            task,
            on_panic,
        )
        .await;
    }
}
