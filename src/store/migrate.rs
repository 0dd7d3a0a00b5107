//! The schema. Its migrations are part of the program; both folders have the same stamps.

use std::collections::BTreeSet;

use diesel::dsl::sql;
use diesel::migration::MigrationSource;
use diesel::pg::Pg;
use diesel::sql_types::Bool;
use diesel::{QueryDsl as _, QueryResult, RunQueryDsl as _};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};

use super::Connection;
use super::error::StoreError;

const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");
const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

/// How the database's schema stands to this program's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaStatus {
    Current,
    /// So many migrations are still to be run.
    Older(usize),
    /// A newer program migrated it: so many migrations are unknown here.
    Newer(usize),
}

impl SchemaStatus {
    /// An error that says what to do, unless the schema is current.
    pub fn require_current(self) -> Result<(), StoreError> {
        match self {
            Self::Current => Ok(()),
            Self::Older(missing) => Err(StoreError::Schema(format!(
                "the database's schema is older than this program ({missing} migrations to run): run `countersign migrate`"
            ))),
            Self::Newer(unknown) => Err(StoreError::Schema(format!(
                "the database's schema is newer than this program ({unknown} migrations unknown here): run a newer program"
            ))),
        }
    }
}

diesel::table! {
    /// Kept by `diesel_migrations`.
    __diesel_schema_migrations (version) {
        version -> Text,
    }
}

/// Compares the migrations that were run with those of this program. Changes nothing.
pub(super) fn status(connection: &mut Connection) -> Result<SchemaStatus, StoreError> {
    let known = known_versions()?;
    let run = run_versions(connection)?;
    let (missing, unknown) = (
        known.difference(&run).count(),
        run.difference(&known).count(),
    );
    Ok(match (missing, unknown) {
        (0, 0) => SchemaStatus::Current,
        (_, 0) => SchemaStatus::Older(missing),
        (_, _) => SchemaStatus::Newer(unknown),
    })
}

/// Runs what is missing, all of it or nothing. Two programs that do so at once wait for each other.
pub(super) fn run(connection: &mut Connection) -> Result<(), StoreError> {
    in_transaction(connection, |connection| {
        match connection {
            Connection::Postgres(connection) => {
                connection.run_pending_migrations(POSTGRES).map(drop)
            }
            Connection::Sqlite(connection) => connection.run_pending_migrations(SQLITE).map(drop),
        }
        .map_err(|error| StoreError::Schema(format!("the migration failed: {error}")))
    })
}

/// Takes back everything, and all data with it.
pub(super) fn revert_all(connection: &mut Connection) -> Result<(), StoreError> {
    in_transaction(connection, |connection| {
        match connection {
            Connection::Postgres(connection) => {
                connection.revert_all_migrations(POSTGRES).map(drop)
            }
            Connection::Sqlite(connection) => connection.revert_all_migrations(SQLITE).map(drop),
        }
        .map_err(|error| {
            StoreError::Schema(format!("the migration could not be taken back: {error}"))
        })
    })
}

fn in_transaction(
    connection: &mut Connection,
    change: impl FnOnce(&mut Connection) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    connection.begin()?;
    // On SQLite the transaction itself is the lock.
    if let Connection::Postgres(connection) = connection {
        diesel::sql_query("SELECT pg_advisory_xact_lock(hashtext('countersign migrate'))")
            .execute(connection)?;
    }
    match change(connection) {
        Ok(()) => Ok(connection.commit()?),
        Err(error) => {
            connection.rollback()?;
            Err(error)
        }
    }
}

fn known_versions() -> Result<BTreeSet<String>, StoreError> {
    let migrations = MigrationSource::<Pg>::migrations(&POSTGRES).map_err(|error| {
        StoreError::Schema(format!("the program's migrations cannot be read: {error}"))
    })?;
    Ok(migrations
        .iter()
        .map(|migration| migration.name().version().to_string())
        .collect())
}

fn run_versions(connection: &mut Connection) -> QueryResult<BTreeSet<String>> {
    let exists = match connection {
        Connection::Postgres(_) => "to_regclass('__diesel_schema_migrations') IS NOT NULL",
        Connection::Sqlite(_) => {
            "EXISTS (SELECT 1 FROM sqlite_master WHERE name = '__diesel_schema_migrations')"
        }
    };
    if !diesel::select(sql::<Bool>(exists)).get_result(connection)? {
        return Ok(BTreeSet::new());
    }
    let versions = __diesel_schema_migrations::table
        .select(__diesel_schema_migrations::version)
        .load::<String>(connection)?;
    Ok(versions.into_iter().collect())
}
