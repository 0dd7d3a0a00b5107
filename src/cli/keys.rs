//! `countersign keys`: the keys that tokens are signed with.

use std::io::Write as _;

use clap::{Args, Subcommand};

use super::assembly;
use super::common::{self, CliResult, ConfigArgs};
use crate::oauth;

/// Look after the keys that tokens are signed with.
#[derive(Debug, Args)]
pub(super) struct KeysArgs {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Make new signing keys now, while servers run.
    Rotate(RotateArgs),
}

#[derive(Debug, Args)]
struct RotateArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// For a key that others may know: the new keys sign at once, and the old ones are published no
    /// longer. What they have signed is refused by APIs as soon as those read the keys again.
    #[arg(long)]
    withdraw: bool,
}

pub(super) fn run(args: &KeysArgs) -> CliResult {
    let KeysCommand::Rotate(args) = &args.command;
    let config = args.config.load()?;
    let runtime = common::single_threaded_runtime()?;
    let mut out = std::io::stdout();

    let rotated = runtime.block_on(async {
        let base = assembly::open(&config).await?;
        base.settings.replace(base.stored_settings().load().await?);

        let rotated = oauth::rotate_signing_keys(&base, args.withdraw).await?;
        base.store.close();
        CliResult::Ok(rotated)
    })?;

    for key in rotated {
        writeln!(
            out,
            "{} {} signs from {} on",
            key.algorithm,
            key.kid,
            key.active_from.to_rfc3339()
        )?;
    }

    writeln!(out, "running servers notice within 10 seconds")?;

    Ok(())
}
