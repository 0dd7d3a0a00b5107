//! The server's parts put together: everything that a handler of the API may call, and what runs
//! behind it.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;

use crate::base::Base;
use crate::callbacks::{CallbackLimits, Callbacks, CallbacksOptions, SystemLookup};
use crate::config::Config;
use crate::devices::Devices;
use crate::devices::channel::{ChannelParts, Channels};
use crate::egress::{Documents, Egress, EgressSettings, InvalidEgress, ProxySettings};
use crate::oauth::{OAuthOptions, TokenServer};
use crate::push::{ProviderPush, PushSender};
use crate::retention::{Retention, RetentionTimes};
use crate::runtime::{Arbiters, Shutdown, ShutdownSignal, supervise};
use crate::sms::{GatewaySms, SmsSender};
use crate::transactions::{TransactionParts, Transactions};
use crate::users::Users;

/// How often to look whether the database takes writes.
const WATCH_PAUSE: Duration = Duration::from_secs(5);

/// What a server may have different from another.
pub struct AppOptions {
    pub push: Arc<dyn PushSender>,
    pub sms: Arc<dyn SmsSender>,
    pub callbacks: CallbacksOptions,
    pub oauth: OAuthOptions,
    pub retention: RetentionTimes,
    /// Threads that actors live on.
    pub arbiters: usize,
    /// Pending transactions in memory; one more is refused with 503.
    pub live_transactions_max: usize,
}

impl AppOptions {
    /// As configured: with the real providers, and a thread for actors on each core.
    ///
    /// # Errors
    /// When no HTTP client can be made, such as for a proxy that is none.
    pub fn new(base: &Base, config: &Config) -> Result<Self, InvalidEgress> {
        let egress = egress(config);

        Ok(Self {
            push: Arc::new(ProviderPush::new(egress.clone(), base.clock.clone())),
            sms: Arc::new(GatewaySms::new(&egress)?),
            callbacks: CallbacksOptions {
                egress: egress.clone(),
                lookup: Arc::new(SystemLookup),
                limits: CallbackLimits {
                    in_flight_max: config.limits.callbacks_in_flight_max.get(),
                    per_host_max: config.limits.callbacks_per_host_max.get(),
                },
            },
            oauth: OAuthOptions {
                issuer: config.server.public_url.clone(),
                login_url: config.login_url(),
                consent_url: config.consent_url(),
                built_in_pages: config.development.login_page,
                documents: Documents::new(&egress)?,
            },
            retention: RetentionTimes::from(&config.retention),
            arbiters: std::thread::available_parallelism().map_or(1, usize::from),
            live_transactions_max: config.limits.live_transactions_max.get(),
        })
    }
}

fn egress(config: &Config) -> Egress {
    let proxy = config.proxy.url.clone().map(|url| ProxySettings {
        url,
        username: config.proxy.username.clone(),
        password: config.proxy.password.clone(),
    });

    Egress::new(EgressSettings {
        proxy,
        ..EgressSettings::default()
    })
}

/// Whether clients for calls to the outside can be made as configured.
pub fn check(config: &Config) -> Result<(), InvalidEgress> {
    egress(config).client(None).map(drop)
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No HTTP client can be made for callbacks.
    #[error(transparent)]
    Egress(#[from] InvalidEgress),
    /// The operating system gives no threads.
    #[error(transparent)]
    Threads(#[from] io::Error),
}

/// What handlers work with. Cheap to clone.
#[derive(Clone)]
pub struct AppState {
    /// For health and what the handlers themselves need: data goes through the features.
    pub base: Base,
    pub transactions: Transactions,
    pub devices: Devices,
    pub channels: Channels,
    pub users: Users,
    pub token_server: TokenServer,
    pub callbacks: Callbacks,
    /// Tells everything that waits that it is time to end.
    pub shutdown: Shutdown,
    threads: Arc<Threads>,
}

/// The threads behind the handlers.
struct Threads {
    arbiters: Arc<Arbiters>,
    background: Mutex<Option<JoinHandle<()>>>,
}

impl AppState {
    /// Puts the parts together and starts what runs behind them.
    ///
    /// # Errors
    /// [`StartError`]; nothing runs then.
    pub fn start(base: Base, options: AppOptions) -> Result<Self, StartError> {
        let shutdown = Shutdown::default();
        let callbacks = Callbacks::new(&base, options.callbacks)?;
        let arbiters = Arc::new(Arbiters::start(options.arbiters)?);

        let users = Users::new(&base);
        let devices = Devices::new(&base);
        let channels = Channels::new(
            &base,
            ChannelParts {
                devices: devices.clone(),
                push: options.push,
                arbiters: Arc::clone(&arbiters),
            },
        );

        let transactions = Transactions::new(
            &base,
            TransactionParts {
                devices: devices.clone(),
                users: users.clone(),
                channels: channels.clone(),
                callbacks: callbacks.clone(),
                sms: options.sms,
                arbiters: Arc::clone(&arbiters),
                live_max: options.live_transactions_max,
                shutdown: shutdown.signal(),
            },
        );

        let token_server = TokenServer::new(&base, users.clone(), devices.clone(), options.oauth);

        let background = Background {
            base: base.clone(),
            transactions: transactions.clone(),
            token_server: token_server.clone(),
            callbacks: callbacks.clone(),
            retention: Retention::new(base.clone(), options.retention),
            shutdown: shutdown.signal(),
        };

        let thread = background.start()?;

        Ok(Self {
            base,
            transactions,
            devices,
            channels,
            users,
            token_server,
            callbacks,
            shutdown,
            threads: Arc::new(Threads {
                arbiters,
                background: Mutex::new(Some(thread)),
            }),
        })
    }

    /// Ends what runs behind the handlers, once they have ended: the background tasks, the actors,
    /// then the store. Blocks.
    pub fn stop(self) {
        self.shutdown.begin();

        if let Some(thread) = self.threads.background.lock().take()
            && thread.join().is_err()
        {
            tracing::error!("the background thread ended with a panic");
        }

        self.threads.arbiters.stop();
        self.base.store.close();
    }
}

/// The loops that run as long as the server does, on a thread of their own.
struct Background {
    base: Base,
    transactions: Transactions,
    token_server: TokenServer,
    callbacks: Callbacks,
    retention: Retention,
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
        let stored_settings = self.base.stored_settings();
        tokio::join!(
            self.supervised("sweeper", || self.transactions.sweep()),
            self.supervised("store-health", || self.watch_store()),
            self.supervised("retention", || self.retention.run()),
            self.supervised("settings", || {
                stored_settings.follow(&self.base.settings, &self.base.metrics)
            }),
            self.supervised("signing-keys", || self.token_server.keys.follow()),
            self.callbacks.run(self.shutdown.clone()),
        );

        // The handlers have ended.
        self.transactions.hand_over().await;
    }

    /// Notices a database that takes no writes although nobody writes.
    async fn watch_store(&self) {
        loop {
            self.base.store.is_writable().await;
            self.base.clock.sleep(WATCH_PAUSE).await;
        }
    }

    async fn supervised<F: Future<Output = ()>>(
        &self,
        name: &'static str,
        task: impl FnMut() -> F,
    ) {
        let Base { clock, metrics, .. } = &self.base;
        supervise(name, clock, metrics, self.shutdown.clone(), task).await;
    }
}
