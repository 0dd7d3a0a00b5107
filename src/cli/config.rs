//! `countersign config`: prints the settings that a server would run with.

use std::io::Write as _;

use super::common::{CliResult, ConfigArgs};

pub(super) fn run(args: &ConfigArgs) -> CliResult {
    let config = args.load()?;
    std::io::stdout().write_all(config.masked().as_bytes())?;
    Ok(())
}
