//! `countersign serve`: runs the server until Ctrl-C or SIGTERM.

use std::net::{SocketAddr, TcpListener};

use super::assembly;
use super::common::{self, CliResult, ConfigArgs};
use crate::clock::Clock;
use crate::config::{Config, LogFormat};
use crate::server::Listeners;
use crate::telemetry::logs::{self, LogSettings};

pub(super) fn run(args: &ConfigArgs) -> CliResult {
    let config = args.load()?;
    start_logs(&config)?;
    let runtime = common::single_threaded_runtime()?;

    // Bound before the database is opened, so that a second server on the same address fails at
    // once and changes nothing.
    let public = bind("server.public_address", config.server.public_address)?;

    let management = bind(
        "server.management_address",
        config.server.management_address,
    )?;

    let running = runtime.block_on(async {
        let base = assembly::open(&config).await?;
        let listeners = Listeners { public, management };
        assembly::serve(base, &config, listeners).await
    })?;

    tracing::info!(
        public = %running.public_address,
        management = %running.management_address,
        version = env!("CARGO_PKG_VERSION"),
        "countersign is listening"
    );

    common::wait_for_stop_signal(&runtime)?;
    tracing::info!("countersign is stopping: requests in flight are finished first");

    Ok(running.stop()?)
}

fn start_logs(config: &Config) -> CliResult {
    let json = config.logs.format == LogFormat::Json;
    Ok(logs::init(
        &LogSettings {
            json,
            filter: config.logs.level.clone(),
        },
        Clock::system(),
    )?)
}

fn bind(key: &str, address: SocketAddr) -> CliResult<TcpListener> {
    TcpListener::bind(address)
        .map_err(|error| format!("cannot listen on {address} ({key}): {error}").into())
}
