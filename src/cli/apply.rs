//! `countersign apply`: makes the configuration what a file says. A server that runs takes it over
//! within a second.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;

use super::assembly::Ground;
use super::{ConfigArgs, Outcome};
use crate::config::Config;
use crate::settings::{Plan, Settings, StoredSettings, plan};

#[derive(Debug, Args)]
pub(super) struct ApplyArgs {
    /// The whole configuration, a TOML file: what is not in it is removed.
    file: PathBuf,
    /// Only show what would be done.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    config: ConfigArgs,
}

pub(super) fn run(args: &ApplyArgs) -> Outcome {
    let config = args.config.load()?;
    let wanted = read(&args.file)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let said = if args.dry_run {
        let plan = runtime.block_on(plan_only(&config, &wanted))?;
        format!("{plan}\nnothing was done: this was a dry run")
    } else {
        let ground = runtime.block_on(Ground::open(&config))?;
        let (plan, revision) = runtime.block_on(apply(&ground.stored_settings, &wanted))?;
        ground.store.close();
        format!("{plan}\nthe configuration is at revision {revision}")
    };

    writeln!(std::io::stdout(), "{said}")?;
    Ok(())
}

/// Reads a configuration file; `env:NAME` in it is looked up in the process's environment.
pub(super) fn read(file: &Path) -> Outcome<Settings> {
    let environment = |name: &str| std::env::var(name).ok();
    Settings::from_file(file, &environment).map_err(|error| {
        let lines = error.to_string();
        let place = file.display();
        // One problem follows on the same line, several below.
        if lines.contains('\n') {
            format!("{place} cannot be used:\n{lines}")
        } else {
            format!("{place}: {lines}")
        }
        .into()
    })
}

/// Does what is needed, and says what that was.
pub(super) async fn apply(stored: &StoredSettings, wanted: &Settings) -> Outcome<(Plan, i64)> {
    let current = stored.load().await?;
    let plan = plan(&current, wanted);
    let revision = stored.apply(&plan, current.revision).await?;
    Ok((plan, revision))
}

async fn plan_only(config: &Config, wanted: &Settings) -> Outcome<Plan> {
    // A dry run does not make a database either.
    if config
        .database
        .embedded_path()
        .is_some_and(|path| !path.exists())
    {
        return Ok(plan(&Settings::default(), wanted));
    }

    let ground = Ground::open(config).await?;
    let current = ground.stored_settings.load().await?;
    ground.store.close();
    Ok(plan(&current, wanted))
}
