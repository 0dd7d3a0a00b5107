//! `countersign config`: prints the settings that a server would run with, and refuses those that it
//! would not run with.

use std::io::Write as _;

use super::assembly;
use super::common::{CliResult, ConfigArgs};

pub(super) fn run(args: &ConfigArgs) -> CliResult {
    let config = args.load()?;
    assembly::check(&config)?;

    std::io::stdout().write_all(config.masked().as_bytes())?;
    Ok(())
}
