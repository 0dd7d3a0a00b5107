//! `countersign migrate`: brings the database schema up to date.

use std::io::Write as _;

use super::assembly::open_store;
use super::common::{CliResult, ConfigArgs};
use crate::store::SchemaStatus;

pub(super) fn run(args: &ConfigArgs) -> CliResult {
    let store = open_store(&args.load()?)?;
    let before = store.schema_status()?;
    if let SchemaStatus::Newer(_) = before {
        before.require_current()?;
    }

    store.migrate()?;
    store.close();

    let message = match before {
        SchemaStatus::Older(missing) => {
            format!("the schema is up to date: {missing} migrations were run")
        }
        SchemaStatus::Current | SchemaStatus::Newer(_) => {
            "the schema was up to date already".to_owned()
        }
    };

    writeln!(std::io::stdout(), "{message}")?;

    Ok(())
}
