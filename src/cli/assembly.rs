//! Builds a server from its settings: opens the database with its master key, starts the
//! application on it and the listeners in front.

use std::time::Duration;

use super::common::CliResult;
use crate::api::Pages;
use crate::app::{self, AppOptions, AppState};
use crate::base::Base;
use crate::config::Config;
use crate::random::SystemRandom;
use crate::server::{self, Listeners, RunningServer};
use crate::settings::StoredSettings;
use crate::store::{DatabaseUrl, Store, StoreOptions};

/// Opens the database and reads its master key. An embedded database is created, migrated and given
/// a key if needed; PostgreSQL must have the current schema. Blocks the thread, which only happens
/// at start-up, before anything else runs.
pub(super) async fn open(config: &Config) -> CliResult<Base> {
    let store = open_store(config)?;
    if config.database.embedded_path().is_some() {
        store.migrate()?;
    }

    store.schema_status()?.require_current()?;

    let key = config.master_key_source()?;
    let keyring = key.read_or_create(StoredSettings::is_keyed(&store).await?, &SystemRandom)?;
    let base = Base::new(store, keyring);
    base.stored_settings().check_master_key().await?;

    Ok(base)
}

/// Puts the stored settings in force and starts to answer requests on both listeners.
pub(super) async fn serve(
    base: Base,
    config: &Config,
    listeners: Listeners,
) -> CliResult<RunningServer> {
    base.settings.replace(base.stored_settings().load().await?);
    let options = AppOptions::new(&base, config)?;
    let app = AppState::start(base, options)?;
    Ok(server::start(app, listeners, config)?)
}

/// Opens the configured database, whatever the version of its schema.
pub(super) fn open_store(config: &Config) -> CliResult<Store> {
    let url = database_url(config)?;

    Ok(Store::open(&StoreOptions {
        readers: config.database.readers,
        queue_max: config.database.queue_max.get(),
        journal_batch_max: config.database.journal_batch_max.get(),
        busy_timeout: Duration::from_millis(config.database.busy_timeout_millis.get()),
        ..StoreOptions::new(url)
    })?)
}

/// The configured database.
pub(super) fn database_url(config: &Config) -> CliResult<DatabaseUrl> {
    let url = config.database.url.expose().parse();
    Ok(url.map_err(|error| format!("database.url {error}"))?)
}

/// Refuses whatever a server would refuse before it opens its database and its listeners.
pub(super) fn check(config: &Config) -> CliResult {
    database_url(config)?;
    config.master_key_source()?.check()?;
    Pages::load(&config.pages)?;
    Ok(app::check(config)?)
}
