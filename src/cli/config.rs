//! `countersign config`: the settings a server would be started with.

use std::io::Write as _;

use super::{ConfigArgs, Outcome};

pub(super) fn run(args: &ConfigArgs) -> Outcome {
    let config = args.load()?;
    std::io::stdout().write_all(config.masked().as_bytes())?;
    Ok(())
}
