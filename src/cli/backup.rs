//! `countersign backup`: copies an embedded database while the server runs.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;

use super::assembly;
use super::common::{CliResult, ConfigArgs};
use crate::store;

/// Copy an embedded database to a new file, while the server runs.
#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// The file to write. It must not exist.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(super) fn run(args: &BackupArgs) -> CliResult {
    let config = args.config.load()?;
    let url = assembly::database_url(&config)?;
    store::back_up(&url, &args.file)?;

    let file = args.file.display();
    writeln!(
        std::io::stdout(),
        "the database was copied to {file}; keep the master key as well, but elsewhere"
    )?;

    Ok(())
}
