//! `countersign serve`: runs the server until it is told to stop.

use std::net::{SocketAddr, TcpListener};

use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use super::assembly::{self, Ground};
use super::{ConfigArgs, Outcome};
use crate::clock::Clock;
use crate::config::{Config, LogFormat};
use crate::telemetry::logs::{self, LogSettings};

pub(super) fn run(args: &ConfigArgs) -> Outcome {
    let config = args.load()?;
    start_logs(&config)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let public = bind("server.public_address", config.server.public_address)?;
    let management = bind(
        "server.management_address",
        config.server.management_address,
    )?;
    let app = runtime.block_on(async { Ground::open(&config).await?.build(&config).await })?;
    let running = assembly::listen(&config, app.clone(), public, management)?;
    tracing::info!(
        public = %running.public_address,
        management = %running.management_address,
        version = env!("CARGO_PKG_VERSION"),
        "countersign serves"
    );

    wait_for_the_end(&runtime)?;
    tracing::info!("countersign stops: requests in flight are finished first");
    let stopped = running.shutdown();
    app.stop();
    Ok(stopped?)
}

fn start_logs(config: &Config) -> Outcome {
    let json = config.logs.format == LogFormat::Json;
    Ok(logs::init(
        &LogSettings {
            json,
            filter: config.logs.level.clone(),
        },
        Clock::system(),
    )?)
}

fn bind(key: &str, address: SocketAddr) -> Outcome<TcpListener> {
    TcpListener::bind(address)
        .map_err(|error| format!("cannot listen on {address} ({key}): {error}").into())
}

/// Until Ctrl-C, or until a service manager says so.
pub(super) fn wait_for_the_end(runtime: &Runtime) -> Outcome {
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted?,
            _ = terminate.recv() => {}
        }
        Ok(())
    })
}
