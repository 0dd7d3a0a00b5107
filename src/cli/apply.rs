//! `countersign apply`: makes the stored configuration equal to a file. Running servers notice
//! within a second.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;

use super::assembly;
use super::common::{self, CliResult, ConfigArgs};
use crate::config::Config;
use crate::settings::{Plan, Settings, StoredSettings, plan};

#[derive(Debug, Args)]
pub(super) struct ApplyArgs {
    /// The TOML file with the whole configuration. Whatever is not in it is removed.
    file: PathBuf,
    /// Only show what would change.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    config: ConfigArgs,
}

pub(super) fn run(args: &ApplyArgs) -> CliResult {
    let config = args.config.load()?;
    let wanted = read(&args.file)?;
    let runtime = common::single_threaded_runtime()?;

    let message = if args.dry_run {
        let plan = runtime.block_on(plan_only(&config, &wanted))?;
        format!("{plan}\nnothing was done: this was a dry run")
    } else {
        let base = runtime.block_on(assembly::open(&config))?;
        let (plan, revision) = runtime.block_on(apply(&base.stored_settings(), &wanted))?;
        base.store.close();
        format!("{plan}\nthe configuration is at revision {revision}")
    };

    writeln!(std::io::stdout(), "{message}")?;

    Ok(())
}

/// Reads a configuration file. `env:NAME` in it refers to the process's environment.
pub(super) fn read(file: &Path) -> CliResult<Settings> {
    let environment = |name: &str| std::env::var(name).ok();
    Settings::from_file(file, &environment).map_err(|error| {
        let lines = error.to_string();
        let place = file.display();

        // A single problem stays on the line of the file name; a list starts below it.
        if lines.contains('\n') {
            format!("{place} cannot be used:\n{lines}")
        } else {
            format!("{place}: {lines}")
        }
        .into()
    })
}

/// Carries out the changes between what is stored and what is wanted. Returns them and the
/// revision of the configuration afterwards.
pub(super) async fn apply(stored: &StoredSettings, wanted: &Settings) -> CliResult<(Plan, i64)> {
    let current = stored.load().await?;
    let plan = plan(&current, wanted);
    let revision = stored.apply(&plan, current.revision).await?;
    Ok((plan, revision))
}

async fn plan_only(config: &Config, wanted: &Settings) -> CliResult<Plan> {
    // A dry run does not create a database either.
    if config
        .database
        .embedded_path()
        .is_some_and(|path| !path.exists())
    {
        return Ok(plan(&Settings::default(), wanted));
    }

    let base = assembly::open(config).await?;
    let current = base.stored_settings().load().await?;
    base.store.close();

    Ok(plan(&current, wanted))
}
