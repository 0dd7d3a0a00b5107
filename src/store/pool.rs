//! The connections of a store, lent to whoever needs one: the threads that run queries, the
//! journal, migrations. A lost connection is replaced in the same way for all of them.
//!
//! A connection is made when it is first needed. One that was lost is not lent again: the pool
//! makes another in the background, with growing pauses while that fails. Who needs one meanwhile
//! waits for [`CONNECT_WAIT`] and gets an error then.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use r2d2::{HandleError, ManageConnection, PooledConnection};

use super::connection::Connection;
use super::connector::{Connector, Role};
use super::error::StoreError;

/// How long to wait for a connection while the database does not answer.
const CONNECT_WAIT: Duration = Duration::from_secs(3);

/// All connections of a store. Clones share them.
#[derive(Clone)]
pub(super) struct Pool {
    reading: r2d2::Pool<Manager>,
    writing: r2d2::Pool<Manager>,
}

impl Pool {
    /// A pool for this many threads that run queries, this many that write (on PostgreSQL), and the
    /// journal.
    pub(super) fn new(connector: &Connector, readers: u32, writers: u32) -> Self {
        let pool = |size, role| {
            r2d2::Pool::builder()
                .max_size(size)
                // None beforehand: the store opens while the database is away.
                .min_idle(Some(0))
                .connection_timeout(CONNECT_WAIT)
                // Connections that have prepared their statements are worth keeping.
                .idle_timeout(None)
                .max_lifetime(None)
                .error_handler(Box::new(LogError))
                .build_unchecked(Manager::new(connector.clone(), role))
        };

        if connector.url.is_embedded() {
            // SQLite has one writer at a time. Readers are kept from writing.
            let (reading, writing) = (pool(readers, Role::Reading), pool(1, Role::Writing));
            Self { reading, writing }
        } else {
            let size = readers.saturating_add(writers).saturating_add(1);
            let shared = pool(size, Role::Writing);
            let (reading, writing) = (shared.clone(), shared);
            Self { reading, writing }
        }
    }

    /// Lends a connection for queries. On PostgreSQL it may write too.
    pub(super) fn lend_reading(&self) -> Result<Lent, StoreError> {
        lend(&self.reading)
    }

    /// Lends a connection that may write.
    pub(super) fn lend_writing(&self) -> Result<Lent, StoreError> {
        lend(&self.writing)
    }
}

fn lend(pool: &r2d2::Pool<Manager>) -> Result<Lent, StoreError> {
    pool.get()
        .map_err(|error| StoreError::Unavailable(error.to_string()))
}

/// A connection on loan. It goes back to the pool when this is dropped.
pub(super) type Lent = PooledConnection<Manager>;

pub(super) struct Pooled {
    pub(super) connection: Connection,
    is_broken: bool,
    /// See [`Manager::losses`].
    losses: Arc<AtomicU64>,
    /// What the counter was when this connection was last known to work.
    losses_seen: u64,
}

impl Pooled {
    /// To be called when the connection was lost, or is in a state that nobody knows: it is closed
    /// when it is given back. Others are checked before their next use from now on.
    pub(super) fn report_broken(&mut self) {
        self.is_broken = true;
        // A failover ends all connections, but only those that are in use notice.
        self.losses.fetch_add(1, Ordering::SeqCst);
    }
}

/// Makes connections for the pool and tells good ones from bad ones.
pub(super) struct Manager {
    connector: Connector,
    role: Role,
    /// How many connections were lost. When one is lost, the others probably are too, so each is
    /// checked before its next use.
    losses: Arc<AtomicU64>,
}

impl Manager {
    fn new(connector: Connector, role: Role) -> Self {
        let losses = Arc::default();
        Self {
            connector,
            role,
            losses,
        }
    }
}

impl ManageConnection for Manager {
    type Connection = Pooled;
    type Error = StoreError;

    fn connect(&self) -> Result<Pooled, StoreError> {
        // Read before connecting: a loss in between makes this connection be checked once too
        // often, not once too seldom.
        let losses_seen = self.losses.load(Ordering::SeqCst);

        Ok(Pooled {
            connection: self.connector.connect(self.role)?,
            is_broken: false,
            losses: Arc::clone(&self.losses),
            losses_seen,
        })
    }

    /// Called before each use. A round trip each time would be expensive, so there is one only
    /// after a loss.
    fn is_valid(&self, pooled: &mut Pooled) -> Result<(), StoreError> {
        let losses = self.losses.load(Ordering::SeqCst);
        if pooled.losses_seen != losses {
            pooled.connection.batch_execute("SELECT 1")?;
            pooled.losses_seen = losses;
        }

        Ok(())
    }

    fn has_broken(&self, pooled: &mut Pooled) -> bool {
        pooled.is_broken
    }
}

#[derive(Debug)]
struct LogError;

impl HandleError<StoreError> for LogError {
    fn handle_error(&self, error: StoreError) {
        tracing::warn!(%error, "could not connect to the database");
    }
}
