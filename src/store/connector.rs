//! Makes connections. All settings of a database session stand here.

use std::path::{Path, PathBuf};
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::result::ConnectionResult;
use diesel::{Connection as _, ConnectionError, PgConnection, QueryResult, SqliteConnection};

use super::connection::Connection;
use super::url::DatabaseUrl;

/// Pause between attempts to configure a new database file that is locked.
const LOCKED_PAUSE: Duration = Duration::from_millis(10);

/// Every statement finds its rows by an index. A plan made while a table was small, or before the
/// database has noticed how it has grown, must not scan all of it; and planning anew for each batch
/// costs more than running it.
const POSTGRES_SETTINGS: &str = "SET statement_timeout = '30s';
    SET plan_cache_mode = force_generic_plan;
    SET enable_seqscan = off;
    SET enable_hashjoin = off;
    SET enable_mergejoin = off;
    SET jit = off";

/// What a connection is for. PostgreSQL makes no difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Queries that change nothing.
    Reading,
    Writing,
}

#[derive(Clone, Debug)]
pub(super) struct Connector {
    pub(super) url: DatabaseUrl,
    /// SQLite: how long to wait while another process holds the lock.
    pub(super) busy_timeout: Duration,
}

impl Connector {
    /// Connects. Takes at most the connect timeout of the URL.
    pub(super) fn connect(&self, role: Role) -> ConnectionResult<Connection> {
        match &self.url {
            DatabaseUrl::Sqlite(path) => self.connect_sqlite(path, role).map(Connection::Sqlite),
            DatabaseUrl::Postgres(_) => self.connect_postgres().map(Connection::Postgres),
        }
    }

    fn connect_postgres(&self) -> ConnectionResult<PgConnection> {
        let url = self.url.libpq().ok_or_else(|| {
            ConnectionError::InvalidConnectionUrl("is not a PostgreSQL URL".to_owned())
        })?;
        let mut connection = PgConnection::establish(url.expose())?;

        connection
            .batch_execute(POSTGRES_SETTINGS)
            .map_err(ConnectionError::CouldntSetupConfiguration)?;

        Ok(connection)
    }

    fn connect_sqlite(&self, path: &Path, role: Role) -> ConnectionResult<SqliteConnection> {
        create_private_file(path).map_err(|error| {
            let path = path.display();
            ConnectionError::BadConnection(format!("unable to open database file {path}: {error}"))
        })?;

        let path = explicit(path);
        let name = path.to_str().ok_or_else(|| {
            ConnectionError::InvalidConnectionUrl(
                "the path of the database must be valid UTF-8".to_owned(),
            )
        })?;

        let mut connection = SqliteConnection::establish(name)?;
        let pragmas = self.pragmas(role);
        self.retry_while_locked(|| connection.batch_execute(&pragmas))
            .map_err(ConnectionError::CouldntSetupConfiguration)?;

        Ok(connection)
    }

    fn pragmas(&self, role: Role) -> String {
        let busy_timeout = self.busy_timeout.as_millis();

        // The writer's cache holds the pages that running transactions are in. The log grows to
        // 64 MiB before it is moved into the database, because each move costs two more syncs.
        let (cache_kib, query_only) = match role {
            Role::Reading => (2048, "ON"),
            Role::Writing => (32_768, "OFF"),
        };

        format!(
            "PRAGMA busy_timeout = {busy_timeout};
             PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA foreign_keys = ON;
             PRAGMA cache_size = -{cache_kib};
             PRAGMA wal_autocheckpoint = 16384;
             PRAGMA query_only = {query_only};"
        )
    }

    /// SQLite does not wait for the lock under which a new file gets its write-ahead log: of two
    /// that open it at the same moment, one is told at once that it is locked.
    fn retry_while_locked(
        &self,
        mut configure: impl FnMut() -> QueryResult<()>,
    ) -> QueryResult<()> {
        let attempts = self.busy_timeout.as_millis() / LOCKED_PAUSE.as_millis();
        for _ in 0..attempts {
            match configure() {
                Err(diesel::result::Error::DatabaseError(_, information))
                    if information.message() == "database is locked" => {}
                configured => return configured,
            }

            std::thread::park_timeout(LOCKED_PAUSE);
        }

        configure()
    }
}

/// Creates the file if it does not exist, readable by its owner alone. SQLite gives the files
/// beside it the same mode.
fn create_private_file(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// Names that look like URLs, such as `file:…`, mean something else to SQLite unless a directory
/// stands before them.
fn explicit(path: &Path) -> PathBuf {
    if path.is_relative() {
        Path::new(".").join(path)
    } else {
        path.to_owned()
    }
}
