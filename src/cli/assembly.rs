//! Builds a server from its settings: opens the database with its master key, starts the
//! application on it and the listeners in front.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use super::common::CliResult;
use crate::app::{AppParts, AppState};
use crate::callbacks::{CallbackLimits, Callbacks, CallbacksOptions, SystemLookup};
use crate::clock::Clock;
use crate::config::Config;
use crate::egress::{Egress, EgressSettings, ProxySettings};
use crate::oauth::OAuthOptions;
use crate::push::ProviderPush;
use crate::random::{SharedRandom, SystemRandom};
use crate::retention::RetentionTimes;
use crate::secret::Keyring;
use crate::server::{self, RunningServer, ServerOptions};
use crate::settings::{CurrentSettings, StoredSettings};
use crate::sms::GatewaySms;
use crate::store::{DatabaseUrl, Store, StoreOptions};
use crate::telemetry::Metrics;

/// The database, opened with the master key that its contents are sealed under.
pub(super) struct Database {
    pub(super) store: Store,
    pub(super) stored_settings: StoredSettings,
    keyring: Arc<Keyring>,
    clock: Clock,
    random: SharedRandom,
}

impl Database {
    /// Opens the database and reads its master key. An embedded database is created, migrated and
    /// given a key if needed; PostgreSQL must have the current schema. Blocks the thread, which
    /// only happens at start-up, before anything else runs.
    pub(super) async fn open(config: &Config) -> CliResult<Self> {
        let store = open_store(config)?;
        if config.database.embedded_path().is_some() {
            store.migrate()?;
        }

        store.schema_status()?.require_current()?;

        let (clock, random): (_, SharedRandom) = (Clock::system(), Arc::new(SystemRandom));
        let key = config.master_key_source()?;
        let keyring =
            Arc::new(key.read_or_create(StoredSettings::is_keyed(&store).await?, random.as_ref())?);
        let stored_settings = StoredSettings::new(
            store.clone(),
            Arc::clone(&keyring),
            clock.clone(),
            Arc::clone(&random),
        );
        stored_settings.check_master_key().await?;

        Ok(Self {
            store,
            stored_settings,
            keyring,
            clock,
            random,
        })
    }

    /// Starts the application: everything that runs behind the listeners.
    pub(super) async fn start_app(self, config: &Config) -> CliResult<AppState> {
        let settings = CurrentSettings::default();
        settings.replace(self.stored_settings.load().await?);
        let (egress, metrics) = (egress(config), Metrics::new());

        let callbacks = Callbacks::new(CallbacksOptions {
            store: self.store.clone(),
            settings: settings.clone(),
            egress: egress.clone(),
            lookup: Arc::new(SystemLookup),
            limits: CallbackLimits {
                in_flight_max: config.limits.callbacks_in_flight_max.get(),
                per_host_max: config.limits.callbacks_per_host_max.get(),
            },
            clock: self.clock.clone(),
            random: Arc::clone(&self.random),
            metrics: metrics.clone(),
        })?;

        let app = AppState::start(AppParts {
            push: Arc::new(ProviderPush::new(egress.clone(), self.clock.clone())),
            sms: Arc::new(GatewaySms::new(&egress)?),
            store: self.store,
            clock: self.clock,
            random: self.random,
            keyring: self.keyring,
            settings,
            callbacks,
            metrics,
            oauth: OAuthOptions {
                issuer: config.server.public_url.clone(),
                login_url: config.login_url(),
                consent_url: config.consent_url(),
                built_in_pages: config.development.login_page,
            },
            retention: retention(config),
            arbiters: std::thread::available_parallelism()?.get(),
            live_transactions_max: config.limits.live_transactions_max.get(),
        })?;

        Ok(app)
    }
}

/// Starts to answer requests on both listeners.
pub(super) fn listen(
    config: &Config,
    app: AppState,
    public: TcpListener,
    management: TcpListener,
) -> io::Result<RunningServer> {
    server::start(ServerOptions {
        public,
        management,
        workers: config.server.workers,
        body_bytes_max: config.server.body_bytes_max.get(),
        requests_in_flight_max: config.limits.requests_in_flight_max.get(),
        waiting_requests_max: config.limits.waiting_requests_max.get(),
        shutdown_timeout: Duration::from_secs(config.server.shutdown_timeout_seconds),
        app,
    })
}

/// Opens the configured database, whatever the version of its schema.
pub(super) fn open_store(config: &Config) -> CliResult<Store> {
    let url: DatabaseUrl = config
        .database
        .url
        .expose()
        .parse()
        .map_err(|error| format!("database.url {error}"))?;
    Ok(Store::open(&StoreOptions {
        url,
        readers: config.database.readers.get(),
        queue_max: config.database.queue_max.get(),
        journal_batch_max: config.database.journal_batch_max.get(),
        busy_timeout: Duration::from_millis(config.database.busy_timeout_millis.get()),
    })?)
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

fn retention(config: &Config) -> RetentionTimes {
    let days = |days: std::num::NonZeroU32| Duration::from_secs(u64::from(days.get()) * 86_400);
    RetentionTimes {
        events: days(config.retention.events_days),
        delivered_callbacks: days(config.retention.delivered_callbacks_days),
        dead_callbacks: days(config.retention.dead_callbacks_days),
    }
}
