//! The command line.
//!
//! What a command has to say goes to standard output, what goes wrong is one sentence on standard
//! error. Exit status: 0 done, 1 not done, 2 not understood.

mod apply;
mod assembly;
mod config;
#[cfg(feature = "sandbox")]
mod demo;
mod migrate;
mod phone;
#[cfg(feature = "sandbox")]
mod sandbox;
mod serve;

use std::error::Error;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{Config, ConfigError};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// Self-hosted mobile authentication and token server.
#[derive(Debug, Parser)]
#[command(name = "countersign", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server.
    Serve(ConfigArgs),
    /// Bring the database's schema up to date.
    Migrate(ConfigArgs),
    /// Make the configuration what a file says.
    Apply(apply::ApplyArgs),
    /// Show the server's effective settings, secrets masked.
    Config(ConfigArgs),
    /// Run local stand-ins for APNs, FCM, Twilio, an SMS gateway and a website.
    #[cfg(feature = "sandbox")]
    Sandbox(sandbox::SandboxArgs),
    /// See it work: a server, its providers, a website and a phone in one process.
    #[cfg(feature = "sandbox")]
    Demo(demo::DemoArgs),
    /// Be a phone: register, log in, enrol, answer.
    Phone(phone::PhoneArgs),
}

/// Which settings the server has.
#[derive(Debug, Args)]
struct ConfigArgs {
    /// The server's settings, a TOML file; without one the defaults and the COUNTERSIGN_ variables.
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_CONFIG")]
    config: Option<PathBuf>,
}

impl ConfigArgs {
    fn load(&self) -> Result<Config, ConfigError> {
        // A name or value that is not UTF-8 is none of ours.
        let environment = std::env::vars_os();
        let texts = environment.filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Config::load(self.config.as_deref(), texts)
    }
}

/// Runs the program with the process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If not even standard error takes it there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "countersign: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Outcome {
    match command {
        Command::Serve(args) => serve::run(&args),
        Command::Migrate(args) => migrate::run(&args),
        Command::Apply(args) => apply::run(&args),
        Command::Config(args) => config::run(&args),
        #[cfg(feature = "sandbox")]
        Command::Sandbox(args) => sandbox::run(&args),
        #[cfg(feature = "sandbox")]
        Command::Demo(args) => demo::run(&args),
        Command::Phone(args) => phone::run(args),
    }
}
