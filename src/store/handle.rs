//! The store as everybody sees it.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use diesel::QueryResult;
use parking_lot::Mutex;

use super::connection::Connection;
use super::connector::Connector;
use super::error::{Attempt, StoreError, WriteError};
use super::health::Health;
use super::job::{self, Job};
use super::journal::{self, Entry, Outcome, Work};
use super::migrate::{self, SchemaStatus};
use super::pool::Pool;
use super::queries::events::insert_event;
use super::queries::settings::touch_server_state;
use super::queue::Queue;
use super::readers;
use super::rows::EventRow;
use super::url::DatabaseUrl;
use crate::telemetry::Metrics;

/// PostgreSQL: threads that write in database transactions of their own.
const WRITERS: u32 = 4;

/// How often a change is attempted that the database aborts.
const ATTEMPTS_MAX: u32 = 5;

/// How to open a store.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    pub url: DatabaseUrl,
    /// How many threads run queries; 0 means one for each core, from two to eight.
    pub readers: usize,
    /// How many entries may wait for the journal, and how many queries for a thread. One more is
    /// [`StoreError::Overloaded`].
    pub queue_max: usize,
    /// The most entries that share a commit.
    pub journal_batch_max: usize,
    /// SQLite: how long to wait while another process writes.
    pub busy_timeout: Duration,
    /// Where the store counts what it does.
    pub metrics: Metrics,
}

impl StoreOptions {
    /// Defaults that fit most servers.
    #[must_use]
    pub fn new(url: DatabaseUrl) -> Self {
        Self {
            url,
            readers: 0,
            queue_max: 16_384,
            journal_batch_max: 512,
            busy_timeout: Duration::from_secs(5),
            metrics: Metrics::new(),
        }
    }
}

/// A handle to the database. Clones share its threads and connections. What was accepted is
/// finished even when the last handle is dropped; [`Store::close`] waits for that.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    is_embedded: bool,
    queue_max: usize,
    queries: Arc<Queue<Job>>,
    /// PostgreSQL only: what is written in database transactions of its own. A change that waits for a
    /// lock keeps no query waiting.
    writes: Arc<Queue<Job>>,
    journal: Arc<Queue<Work>>,
    metrics: Metrics,
    health: Arc<Health>,
    /// None when the store is closed.
    pool: Mutex<Option<Pool>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Store {
    /// Starts the threads. Connections are made when they are first needed, so this succeeds while
    /// the database is unreachable.
    pub fn open(options: &StoreOptions) -> Result<Self, StoreError> {
        let connector = Connector {
            url: options.url.clone(),
            busy_timeout: options.busy_timeout,
        };

        let readers = u32::try_from(readers::count(options.readers)).unwrap_or(u32::MAX);
        let writers = if options.url.is_embedded() {
            0
        } else {
            WRITERS
        };
        let pool = Pool::new(&connector, readers, writers);
        let store = Self(Arc::new(Inner {
            is_embedded: options.url.is_embedded(),
            queue_max: options.queue_max,
            queries: Arc::new(Queue::new(
                options.queue_max,
                options.metrics.store().query_queue().clone(),
            )),
            writes: Arc::new(Queue::new(
                options.queue_max,
                options.metrics.store().write_queue().clone(),
            )),
            journal: Arc::new(Queue::new(
                options.queue_max,
                options.metrics.store().journal_queue().clone(),
            )),
            metrics: options.metrics.clone(),
            health: Arc::default(),
            pool: Mutex::new(Some(pool.clone())),
            threads: Mutex::default(),
        }));

        store
            .start_threads(pool, readers, writers, options.journal_batch_max)
            .map_err(|error| {
                StoreError::Unavailable(format!("the store's threads cannot be started: {error}"))
            })?;

        Ok(store)
    }

    fn start_threads(
        &self,
        pool: Pool,
        readers: u32,
        writers: u32,
        batch_max: usize,
    ) -> std::io::Result<()> {
        let inner = &self.0;
        let mut threads = readers::start("store", &pool, readers, &inner.queries)?;
        threads.extend(readers::start("writes", &pool, writers, &inner.writes)?);

        let (journal, metrics) = (Arc::clone(&inner.journal), inner.metrics.clone());
        // One thread: its order is the order of commits on this node.
        let health = Arc::clone(&inner.health);
        threads.push(journal::start(pool, batch_max, journal, metrics, health)?);

        *inner.threads.lock() = threads;

        Ok(())
    }

    /// Brings the schema up to date. Blocks: for the command line and for start-up.
    pub fn migrate(&self) -> Result<(), StoreError> {
        migrate::run(&mut *self.pool()?.lend_writing()?)
    }

    /// Removes the schema, and all data with it. Blocks.
    pub fn revert_migrations(&self) -> Result<(), StoreError> {
        migrate::revert_all(&mut *self.pool()?.lend_writing()?)
    }

    /// Compares the schema with what this program expects. Blocks: for the command line and for
    /// start-up.
    pub fn schema_status(&self) -> Result<SchemaStatus, StoreError> {
        migrate::status(&mut *self.pool()?.lend_reading()?)
    }

    fn pool(&self) -> Result<Pool, StoreError> {
        self.0.pool.lock().clone().ok_or_else(StoreError::closed)
    }

    /// Runs queries that change nothing.
    pub async fn read<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> QueryResult<T> + Send + 'static,
    {
        let (job, result) = job::read(query);
        self.push_read(job)?;
        result.await.unwrap_or_else(|_| Err(StoreError::closed()))
    }

    pub(super) fn push_read(&self, job: Job) -> Result<(), StoreError> {
        self.0.queries.push(job)
    }

    /// The most reads of one kind that may wait.
    pub(super) fn reads_max(&self) -> usize {
        self.0.queue_max
    }

    /// Runs `change` in one database transaction, which on SQLite may be shared with others. After
    /// an error or a panic nothing of what it wrote is there. It is carried out even if the caller
    /// stops waiting.
    pub async fn write<T, E, F>(&self, change: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, WriteError<E>> + Send + 'static,
    {
        let (write, result) = job::write(change);

        // SQLite has one writer at a time. If that is always the journal's thread, nobody waits for
        // a lock, and those who come together share a commit.
        if self.0.is_embedded {
            self.0.journal.push(Work::Write(write))?;
        } else {
            self.0.writes.push(job::alone(write))?;
        }

        result
            .await
            .unwrap_or_else(|_| Err(StoreError::closed().into()))
    }

    /// Runs `change` as [`Store::write`] does. If it answers that it changed something, `event` is
    /// written in the same transaction. Returns that answer.
    pub async fn write_audited<F>(&self, event: EventRow, change: F) -> Result<bool, StoreError>
    where
        F: FnOnce(&mut Connection) -> QueryResult<bool> + Send + 'static,
    {
        self.write(move |connection| {
            let changed = change(connection)?;
            if changed {
                insert_event(connection, &event)?;
            }
            Ok(changed)
        })
        .await
    }

    /// Runs `change` as [`Store::write`] does, for a change of many rows that others may lock in
    /// another order: it is attempted again when PostgreSQL aborts it, as it does to resolve a
    /// deadlock.
    pub async fn write_contended<T, E, F>(&self, change: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: Fn(&mut Connection) -> Result<T, WriteError<E>> + Send + Sync + 'static,
    {
        let change = Arc::new(change);
        let mut attempts = 0;
        loop {
            attempts += 1;
            let change = Arc::clone(&change);
            let written = self
                .write(move |connection| change(connection).map_err(Attempt::of))
                .await;

            match written {
                Ok(value) => return Ok(value),
                // The database has undone all of it, so that it may be done again.
                Err(Attempt::Failed(StoreError::Aborted(_))) if attempts < ATTEMPTS_MAX => {}
                Err(Attempt::Failed(error)) => return Err(error.into()),
                Err(Attempt::Refused(refusal)) => return Err(refusal),
            }
        }
    }

    /// Hands an entry to the journal and waits until it is durable or refused. It is carried out
    /// even if the caller stops waiting.
    pub async fn commit(&self, entry: Entry) -> Result<Outcome, StoreError> {
        let (work, outcome) = Work::entry(entry);
        self.0.journal.push(work)?;
        outcome.await.unwrap_or_else(|_| Err(StoreError::closed()))
    }

    /// Whether the database takes writes, as the last one showed; where that is a while ago, a write
    /// that changes nothing finds out. That may take as long as the database takes. It goes on when the
    /// caller stops waiting, and nobody begins another one meanwhile.
    pub async fn is_writable(&self) -> bool {
        if let Some(known) = self.0.health.known() {
            return known;
        }

        let turn = self.0.health.turn().await;
        if let Some(known) = self.0.health.known() {
            return known;
        }

        let store = self.clone();
        let probing = tokio::spawn(async move {
            let _turn = turn;
            let written: Result<(), StoreError> = store
                .write(|connection| Ok(touch_server_state(connection)?))
                .await;
            store.0.health.record(written.as_ref().err());

            written.is_ok()
        });

        probing.await.unwrap_or(false)
    }

    /// Finishes what was accepted, ends the threads and closes the connections. Other handles get
    /// [`StoreError::Unavailable`] from then on. Blocks.
    pub fn close(self) {
        self.0.close_queues();

        for thread in self.0.threads.lock().drain(..) {
            // If it panicked, it has said so itself.
            let _ = thread.join();
        }

        // With the last clone the connections close; the threads' own are gone with them.
        *self.0.pool.lock() = None;
    }

    /// Where the store counts what it does.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }
}

impl Inner {
    fn close_queues(&self) {
        self.queries.close();
        self.writes.close();
        self.journal.close();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close_queues();
    }
}
