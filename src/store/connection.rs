//! Connections to either database, made the same way wherever one is needed.

use std::path::Path;
use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, SimpleConnection as _, TransactionManager as _};
use diesel::result::ConnectionResult;
use diesel::{Connection as _, ConnectionError, PgConnection, QueryResult, SqliteConnection};

use super::url::DatabaseUrl;

/// A connection to one of the two databases. Queries written in diesel's language run on both;
/// where they must differ, match on the variant. (Known elsewhere as `Connection`; what diesel
/// derives here has a trait of that name in scope.)
#[derive(diesel::MultiConnection)]
pub enum AnyConnection {
    /// To a PostgreSQL server.
    Postgres(PgConnection),
    /// To a file.
    Sqlite(SqliteConnection),
}

/// Between two looks at whether a new database file is still locked.
const LOCKED_PAUSE: Duration = Duration::from_millis(10);

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Queries; on PostgreSQL also the transactions of [`Store::write`](super::Store::write).
    Pool,
    /// The journal's set-based statements; on SQLite everything that writes.
    Journal,
    /// Changing the schema, which may take long.
    Migration,
}

/// Makes connections.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    pub(super) url: DatabaseUrl,
    /// SQLite: how long to wait for another process's lock.
    pub(super) busy_timeout: Duration,
}

impl Connector {
    /// Connects. Takes at most the connect timeout of the URL.
    pub(super) fn connect(&self, role: Role) -> ConnectionResult<AnyConnection> {
        match &self.url {
            DatabaseUrl::Sqlite(path) => self.connect_sqlite(path, role).map(AnyConnection::Sqlite),
            DatabaseUrl::Postgres(_) => self.connect_postgres(role).map(AnyConnection::Postgres),
        }
    }

    fn connect_sqlite(&self, path: &Path, role: Role) -> ConnectionResult<SqliteConnection> {
        make_private_file(path).map_err(|error| {
            ConnectionError::BadConnection(format!(
                "unable to open database file {}: {error}",
                path.display()
            ))
        })?;
        // Relative to the directory in so many words: SQLite reads names such as `file:…` in a way
        // of its own.
        let path = if path.is_relative() {
            Path::new(".").join(path)
        } else {
            path.to_owned()
        };
        let name = path.to_str().ok_or_else(|| {
            ConnectionError::InvalidConnectionUrl(
                "the path of the database must be valid UTF-8".to_owned(),
            )
        })?;
        let mut connection = SqliteConnection::establish(name)?;
        let read_only = if role == Role::Pool { "ON" } else { "OFF" };
        // The journal's cache holds what the running transactions are in; the log grows to 64 MiB
        // before it is moved into the database, because each move costs two further syncs.
        let cache_kib = if role == Role::Journal { 32_768 } else { 2048 };
        let pragmas = format!(
            "PRAGMA busy_timeout = {};
             PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA foreign_keys = ON;
             PRAGMA cache_size = -{cache_kib};
             PRAGMA wal_autocheckpoint = 16384;
             PRAGMA query_only = {read_only};",
            self.busy_timeout.as_millis(),
        );
        self.while_locked(|| connection.batch_execute(&pragmas))
            .map_err(ConnectionError::CouldntSetupConfiguration)?;
        Ok(connection)
    }

    /// SQLite does not wait for the lock under which a new file gets its write-ahead log: two who
    /// open it at the same moment are told at once that it is locked.
    fn while_locked(&self, mut configure: impl FnMut() -> QueryResult<()>) -> QueryResult<()> {
        let tries = self.busy_timeout.as_millis() / LOCKED_PAUSE.as_millis();
        for _ in 0..tries {
            match configure() {
                Err(diesel::result::Error::DatabaseError(_, information))
                    if information.message() == "database is locked" => {}
                configured => return configured,
            }
            std::thread::park_timeout(LOCKED_PAUSE);
        }
        configure()
    }

    fn connect_postgres(&self, role: Role) -> ConnectionResult<PgConnection> {
        let url = self.url.libpq().ok_or_else(|| {
            ConnectionError::InvalidConnectionUrl("is not a PostgreSQL URL".to_owned())
        })?;
        let mut connection = PgConnection::establish(url.expose())?;
        let settings = match role {
            // Every statement finds its rows by an index. A plan made while a table was small, or
            // before the database has looked at how it has grown, must not become a scan of all of
            // it; and making plans anew for each batch costs more than running them.
            Role::Pool | Role::Journal => {
                "SET statement_timeout = '30s';
                 SET plan_cache_mode = force_generic_plan;
                 SET enable_seqscan = off;
                 SET enable_hashjoin = off;
                 SET enable_mergejoin = off;
                 SET jit = off"
            }
            Role::Migration => "SET lock_timeout = '60s'",
        };
        connection
            .batch_execute(settings)
            .map_err(ConnectionError::CouldntSetupConfiguration)?;
        Ok(connection)
    }
}

/// Makes the file if it is not there, readable by its owner alone; SQLite gives its companions the
/// same mode.
fn make_private_file(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

impl AnyConnection {
    /// Begins a transaction that is going to write: on SQLite it takes the write lock at once,
    /// because a transaction that starts by reading cannot take it later when somebody else wrote
    /// meanwhile.
    pub(super) fn begin(&mut self) -> QueryResult<()> {
        match self {
            Self::Postgres(connection) => AnsiTransactionManager::begin_transaction(connection),
            Self::Sqlite(connection) => {
                AnsiTransactionManager::begin_transaction_sql(connection, "BEGIN IMMEDIATE")
            }
        }
    }

    /// Fails if a statement failed since [`AnyConnection::begin`] and was not taken back with a
    /// savepoint. PostgreSQL answers the `COMMIT` of such a transaction by rolling it back, without
    /// an error.
    pub(super) fn check_transaction(&mut self) -> QueryResult<()> {
        match self {
            Self::Postgres(connection) => connection.batch_execute("SELECT 1"),
            Self::Sqlite(_) => Ok(()),
        }
    }

    /// Makes durable what was written since [`AnyConnection::begin`].
    pub(super) fn commit(&mut self) -> QueryResult<()> {
        match self {
            Self::Postgres(connection) => AnsiTransactionManager::commit_transaction(connection),
            Self::Sqlite(connection) => AnsiTransactionManager::commit_transaction(connection),
        }
    }

    /// Forgets what was written since [`AnyConnection::begin`].
    pub(super) fn rollback(&mut self) -> QueryResult<()> {
        match self {
            Self::Postgres(connection) => AnsiTransactionManager::rollback_transaction(connection),
            Self::Sqlite(connection) => AnsiTransactionManager::rollback_transaction(connection),
        }
    }
}
