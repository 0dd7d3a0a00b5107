//! What the commands share: their result, the `--config` argument, the runtime and the signal to
//! stop.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use clap::Args;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::{Config, ConfigError};

/// The error becomes one sentence on standard error.
pub(super) type CliResult<T = ()> = Result<T, Box<dyn Error>>;

/// Which server settings to use.
#[derive(Debug, Args)]
pub(super) struct ConfigArgs {
    /// The TOML file with the server's settings. Without it, defaults and COUNTERSIGN_ variables
    /// apply.
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_CONFIG")]
    config: Option<PathBuf>,
}

impl ConfigArgs {
    pub(super) fn load(&self) -> Result<Config, ConfigError> {
        // All our variables are UTF-8, so others can be left out.
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Config::load(self.config.as_deref(), variables)
    }
}

/// A runtime on the calling thread, enough for every command but `demo`.
pub(super) fn single_threaded_runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}

/// The signals that service managers and terminals send.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    /// From now on the process handles them itself.
    pub(super) fn handle(runtime: &Runtime) -> io::Result<Self> {
        let _entered = runtime.enter();

        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Completes when the process is asked to stop: by SIGTERM or Ctrl-C. A terminal that closes
    /// (SIGHUP) stops nothing.
    pub(super) async fn stop(&mut self) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hang_up.recv() => {}
            }
        }
    }
}

/// Blocks until Ctrl-C or SIGTERM, which service managers send.
#[cfg(feature = "sandbox")]
pub(super) fn wait_for_stop_signal(runtime: &Runtime) -> io::Result<()> {
    let mut signals = Signals::handle(runtime)?;
    runtime.block_on(signals.stop());

    Ok(())
}
