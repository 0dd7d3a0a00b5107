//! The schema. Its migrations are part of the program; the folders of both databases have the same
//! versions.

use std::collections::BTreeSet;

use diesel::connection::SimpleConnection as _;
use diesel::dsl::sql;
use diesel::migration::MigrationSource;
use diesel::pg::Pg;
use diesel::sql_types::{Bool, Text};
use diesel::{QueryDsl as _, QueryResult, RunQueryDsl as _};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};

use super::connection::Connection;
use super::error::{StoreError, WriteError};
use super::job::{run_query, transact};
use super::pool::Pooled;

const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");
const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

/// What a migration needs on PostgreSQL until its transaction ends: time, plans that may scan
/// whole tables, and no other migration beside it.
const POSTGRES_MIGRATION: &str = "SET LOCAL statement_timeout = 0;
    SET LOCAL lock_timeout = '60s';
    SET LOCAL enable_seqscan = on;
    SET LOCAL enable_hashjoin = on;
    SET LOCAL enable_mergejoin = on;
    SELECT pg_advisory_xact_lock(hashtext('countersign migrate'))";

/// The database's schema, compared with what this program expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaStatus {
    Current,
    /// This many migrations have not been run.
    Older(usize),
    /// A newer program migrated it: this many migrations are unknown here.
    Newer(usize),
}

impl SchemaStatus {
    /// Fails, with advice for the administrator, unless the schema is current.
    pub fn require_current(self) -> Result<(), StoreError> {
        match self {
            Self::Current => Ok(()),
            Self::Older(missing) => Err(StoreError::Schema(format!(
                "the database's schema is older than this program ({missing} migrations to run): \
                 run `countersign migrate`"
            ))),
            Self::Newer(unknown) => Err(StoreError::Schema(format!(
                "the database's schema is newer than this program ({unknown} migrations unknown \
                 here): run a newer program"
            ))),
        }
    }
}

/// Runs the migrations that are missing, all or none. Two programs that do so at the same time
/// wait for each other.
pub(super) fn run(pooled: &mut Pooled) -> Result<(), StoreError> {
    require_utf8(pooled)?;

    in_transaction(pooled, |connection| {
        let run = match connection {
            Connection::Postgres(connection) => {
                connection.run_pending_migrations(POSTGRES).map(drop)
            }
            Connection::Sqlite(connection) => connection.run_pending_migrations(SQLITE).map(drop),
        };

        run.map_err(|error| StoreError::Schema(format!("the migration failed: {error}")))
    })
}

/// Reverts all migrations, which removes all data.
pub(super) fn revert_all(pooled: &mut Pooled) -> Result<(), StoreError> {
    in_transaction(pooled, |connection| {
        let reverted = match connection {
            Connection::Postgres(connection) => {
                connection.revert_all_migrations(POSTGRES).map(drop)
            }
            Connection::Sqlite(connection) => connection.revert_all_migrations(SQLITE).map(drop),
        };

        reverted.map_err(|error| {
            StoreError::Schema(format!("the migrations could not be reverted: {error}"))
        })
    })
}

fn in_transaction(
    pooled: &mut Pooled,
    change: impl FnOnce(&mut Connection) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    transact(pooled, |connection| {
        // On SQLite the transaction itself is the lock.
        if let Connection::Postgres(connection) = connection {
            connection.batch_execute(POSTGRES_MIGRATION)?;
        }
        change(connection).map_err(WriteError::Refused)
    })
}

/// Compares the migrations that were run with those of this program. Changes nothing.
pub(super) fn status(pooled: &mut Pooled) -> Result<SchemaStatus, StoreError> {
    require_utf8(pooled)?;

    let known = known_versions()?;
    let run = run_query(pooled, run_versions)?;

    let missing = known.difference(&run).count();
    let unknown = run.difference(&known).count();

    Ok(match (missing, unknown) {
        (0, 0) => SchemaStatus::Current,
        (_, 0) => SchemaStatus::Older(missing),
        // Even if some are missing: this program cannot know what the unknown ones have changed.
        (_, _) => SchemaStatus::Newer(unknown),
    })
}

/// What users are called need not fit another encoding, and a text that does not is an error each time.
fn require_utf8(pooled: &mut Pooled) -> Result<(), StoreError> {
    let encoding = run_query(pooled, |connection| match connection {
        Connection::Postgres(connection) => {
            let setting = sql::<Text>("current_setting('server_encoding')");
            diesel::select(setting).get_result(connection).map(Some)
        }
        // A file is made by this program.
        Connection::Sqlite(_) => Ok::<Option<String>, _>(None),
    })?;

    match encoding {
        Some(other) if other != "UTF8" => Err(StoreError::Schema(format!(
            "the encoding of the database is {other}, and this program needs UTF8: create the \
             database with `ENCODING 'UTF8' TEMPLATE template0`"
        ))),
        _ => Ok(()),
    }
}

fn known_versions() -> Result<BTreeSet<String>, StoreError> {
    // Those of SQLite have the same versions.
    let migrations = MigrationSource::<Pg>::migrations(&POSTGRES).map_err(|error| {
        StoreError::Schema(format!("the program's migrations cannot be read: {error}"))
    })?;
    Ok(migrations
        .iter()
        .map(|migration| migration.name().version().to_string())
        .collect())
}

diesel::table! {
    /// Maintained by `diesel_migrations`.
    __diesel_schema_migrations (version) {
        version -> Text,
    }
}

fn run_versions(connection: &mut Connection) -> QueryResult<BTreeSet<String>> {
    let exists = match connection {
        Connection::Postgres(_) => "to_regclass('__diesel_schema_migrations') IS NOT NULL",
        Connection::Sqlite(_) => {
            "EXISTS (SELECT 1 FROM sqlite_master WHERE name = '__diesel_schema_migrations')"
        }
    };

    // diesel would create the table, but asking must change nothing.
    if !diesel::select(sql::<Bool>(exists)).get_result(connection)? {
        return Ok(BTreeSet::new());
    }

    let versions = __diesel_schema_migrations::table
        .select(__diesel_schema_migrations::version)
        .load::<String>(connection)?;
    Ok(versions.into_iter().collect())
}
