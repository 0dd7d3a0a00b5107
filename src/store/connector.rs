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
///
/// A change of the journal waits for a row that somebody else has locked for a moment only, because all
/// other changes wait behind it. Other writes set a limit of their own.
const POSTGRES_SETTINGS: &str = "SET statement_timeout = '30s';
    SET lock_timeout = '1s';
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
        let mut connection = PgConnection::establish(url.expose()).map_err(without_secrets)?;

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
///
/// A file that exists is not opened: SQLite's locks are POSIX locks, which belong to the process, and
/// closing any descriptor of the file gives up all of them. Another program that closes the database
/// then takes itself for the last one, and deletes the write-ahead log under this server.
pub(super) fn create_private_file(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);

    match options.open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        created => created.map(drop),
    }
}

/// libpq quotes pieces of the URL in its messages, and of a password that has to be percent-encoded it
/// quotes the rest. Only the cause goes on, in words of our own.
fn without_secrets(error: ConnectionError) -> ConnectionError {
    let ConnectionError::BadConnection(message) = error else {
        return ConnectionError::BadConnection("PostgreSQL cannot be reached".to_owned());
    };

    let cause = CAUSES
        .iter()
        .find_map(|(text, cause)| message.contains(text).then_some(*cause));
    let cause = cause.unwrap_or("PostgreSQL cannot be reached, or refuses the connection");

    ConnectionError::BadConnection(cause.to_owned())
}

/// Pieces of libpq's messages in English, and what they mean. They only make an error clearer: nothing
/// is decided by them, and in other languages the general sentence stands.
const CAUSES: &[(&str, &str)] = &[
    (
        "percent-encoded",
        "database.url has a `%` that does not begin a percent-encoded character",
    ),
    (
        "invalid URI",
        "database.url is not a URL that PostgreSQL's library understands",
    ),
    (
        "invalid integer value",
        "a number in database.url is not valid",
    ),
    ("invalid port", "the port in database.url is not valid"),
    (
        "could not translate host name",
        "the host name of PostgreSQL cannot be resolved",
    ),
    (
        "Connection refused",
        "nothing listens at the address of PostgreSQL",
    ),
    (
        "No such file or directory",
        "nothing listens at the socket of PostgreSQL, or a file that database.url names is missing",
    ),
    ("timeout expired", "PostgreSQL does not answer in time"),
    (
        "password authentication failed",
        "PostgreSQL refuses the user's password",
    ),
    (
        "no password supplied",
        "PostgreSQL asks for a password, and database.url has none",
    ),
    (
        "no pg_hba.conf entry",
        "PostgreSQL does not allow this user from this address (pg_hba.conf)",
    ),
    (
        "certificate verify failed",
        "the certificate of PostgreSQL is not trusted",
    ),
    (
        "does not match host name",
        "the certificate of PostgreSQL is for another host",
    ),
    (
        "root certificate",
        "the root certificates that database.url names cannot be read",
    ),
    (
        "does not support SSL",
        "PostgreSQL does not offer TLS, which database.url requires",
    ),
    (
        "session is read-only",
        "no server of database.url accepts writes",
    ),
    (
        "session is not read-only",
        "no server of database.url is as target_session_attrs requires",
    ),
    (
        "is not permitted to log in",
        "PostgreSQL does not let this user log in",
    ),
    ("too many", "PostgreSQL has no connection left"),
    (
        "remaining connection slots",
        "PostgreSQL has no connection left",
    ),
    ("starting up", "PostgreSQL is starting"),
    ("shutting down", "PostgreSQL is stopping"),
    ("database \"", "there is no such database on PostgreSQL"),
    ("role \"", "there is no such user on PostgreSQL"),
];

/// Names that look like URLs, such as `file:…`, mean something else to SQLite unless a directory
/// stands before them.
fn explicit(path: &Path) -> PathBuf {
    if path.is_relative() {
        Path::new(".").join(path)
    } else {
        path.to_owned()
    }
}
