//! `countersign serve`: runs the server until Ctrl-C or SIGTERM. A second one ends it at once.

use std::net::{SocketAddr, TcpListener};

use tokio::sync::oneshot;

use super::assembly;
use super::common::{self, CliResult, ConfigArgs, Signals};
use crate::clock::Clock;
use crate::config::{Config, LogFormat};
use crate::server::{self, Listeners};
use crate::telemetry::logs::{self, LogSettings, Logs};

pub(super) fn run(args: &ConfigArgs) -> CliResult {
    let config = args.load()?;
    assembly::check(&config)?;

    let logs = start_logs(&config)?;
    server::warn_if_few_descriptors(&config.limits);
    let runtime = common::single_threaded_runtime()?;
    let mut signals = Signals::handle(&runtime)?;

    // Bound before the database is opened, so that a second server on the same address fails at
    // once and changes nothing.
    let public = bind("server.public_address", config.server.public_address)?;

    let management = bind(
        "server.management_address",
        config.server.management_address,
    )?;

    let running = runtime.block_on(async {
        let base = assembly::open(&config).await?;
        base.metrics.count_dropped_logs(logs.dropped());
        let listeners = Listeners { public, management };
        assembly::serve(base, &config, listeners).await
    })?;

    tracing::info!(
        public = %running.public_address,
        management = %running.management_address,
        database = %assembly::database_url(&config)?,
        version = env!("CARGO_PKG_VERSION"),
        "countersign is listening"
    );

    warn_of_development(&config);

    runtime.block_on(signals.stop());
    tracing::info!("countersign is stopping: requests in flight are finished first");

    // Stopping blocks, so the second signal is waited for here.
    let (finish, finished) = oneshot::channel();
    std::thread::Builder::new()
        .name("stop".to_owned())
        .spawn(move || finish.send(running.stop()))?;

    runtime.block_on(async {
        tokio::select! {
            stopped = finished => Ok(stopped.map_err(|_| "a thread panicked")??),
            () = signals.stop() => {
                Err("asked to stop a second time: requests in flight were cut off".into())
            }
        }
    })
}

/// At each start: nobody should find out later.
fn warn_of_development(config: &Config) {
    if !config.development.login_page {
        return;
    }

    match (&config.login.login_url, &config.login.consent_url) {
        (None, _) => tracing::warn!(
            "development.login_page is on: everybody on this machine can log in as anybody"
        ),
        (Some(_), None) => tracing::warn!(
            "development.login_page only provides the consent page: login.login_url names another \
             login page"
        ),
        (Some(_), Some(_)) => tracing::warn!(
            "development.login_page does nothing: login.login_url and login.consent_url name other \
             pages"
        ),
    }
}

fn start_logs(config: &Config) -> CliResult<Logs> {
    let json = config.logs.format == LogFormat::Json;
    Ok(logs::init(
        &LogSettings {
            json,
            filter: config.logs.level.clone(),
            requests: config.logs.requests,
        },
        Clock::system(),
    )?)
}

fn bind(key: &str, address: SocketAddr) -> CliResult<TcpListener> {
    TcpListener::bind(address)
        .map_err(|error| format!("cannot listen on {address} ({key}): {error}").into())
}
