//! The command line.
//!
//! Commands print their output to standard output and one sentence to standard error if they fail.
//! Exit status: 0 success, 1 failure, 2 wrong usage.

mod apply;
mod assembly;
mod backup;
mod common;
mod config;
#[cfg(feature = "sandbox")]
mod demo;
mod keys;
mod migrate;
mod phone;
#[cfg(feature = "sandbox")]
mod sandbox;
mod serve;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use common::{CliResult, ConfigArgs};

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
    /// Bring the database schema up to date.
    Migrate(ConfigArgs),
    /// Make the stored configuration equal to a file.
    Apply(apply::ApplyArgs),
    /// Copy an embedded database to a new file, while the server runs.
    Backup(backup::BackupArgs),
    /// Look after the keys that tokens are signed with.
    Keys(keys::KeysArgs),
    /// Print the server settings in effect, with secrets masked.
    Config(ConfigArgs),
    /// Run local stand-ins for APNs, FCM, Twilio, an SMS gateway and a website.
    #[cfg(feature = "sandbox")]
    Sandbox(sandbox::SandboxArgs),
    /// Show a server, its providers, a website and a phone at work, all in one process.
    #[cfg(feature = "sandbox")]
    Demo(demo::DemoArgs),
    /// Act as a phone: register, log in, enrol, answer.
    Phone(phone::PhoneArgs),
}

/// Runs the program with the process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // There is nowhere left to report that standard error is closed.
            let _ = writeln!(std::io::stderr(), "countersign: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> CliResult {
    match command {
        Command::Serve(args) => serve::run(&args),
        Command::Migrate(args) => migrate::run(&args),
        Command::Apply(args) => apply::run(&args),
        Command::Backup(args) => backup::run(&args),
        Command::Config(args) => config::run(&args),
        Command::Keys(args) => keys::run(&args),
        #[cfg(feature = "sandbox")]
        Command::Sandbox(args) => sandbox::run(&args),
        #[cfg(feature = "sandbox")]
        Command::Demo(args) => demo::run(&args),
        Command::Phone(args) => phone::run(args),
    }
}
