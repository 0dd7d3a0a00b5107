//! Storage: SQLite embedded or PostgreSQL, behind one interface. Knows rows and queries, no
//! feature.
//!
//! Three ways in, all bounded, none blocking the caller's thread:
//!
//! - [`Store::commit`] hands a change to the [`journal`], which makes it durable together with what
//!   else arrives meanwhile. The way of everything that happens often.
//! - [`Store::read`] runs queries on the store's own threads; [`Batched`] lets those that ask for
//!   one row each share a query.
//! - [`Store::write`] runs a closure in a database transaction of its own. The way of everything
//!   else that changes rows.

mod batched;
mod connection;
mod error;
mod job;
pub mod journal;
mod keyed;
mod migrate;
mod pool;
pub mod queries;
mod queue;
pub mod rows;
pub mod schema;
mod url;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

pub use diesel::QueryResult;
use diesel::connection::SimpleConnection as _;
use parking_lot::Mutex;

use connection::{Connector, Role};
use job::Job;
use journal::{Entry, JournalQueue, Outcome};
use queries::events::insert_event;
use queue::Queue;
use rows::EventRow;

pub use batched::{Batched, FindRows};
pub use connection::AnyConnection as Connection;
pub use error::{CorruptRow, RowId, StoreError, WriteError};
pub use migrate::SchemaStatus;
pub use url::{DatabaseUrl, InvalidDatabaseUrl};

use crate::telemetry::Metrics;

/// How often a change is made anew that was in a deadlock with others.
const DEADLOCKS_MAX: u32 = 5;

/// How to open a store.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    pub url: DatabaseUrl,
    /// How many threads run queries, each with a connection.
    pub readers: usize,
    /// How many entries may wait for the journal, and how many queries for a thread; one more is
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
    /// What fits most servers.
    #[must_use]
    pub fn new(url: DatabaseUrl) -> Self {
        Self {
            url,
            readers: 4,
            queue_max: 16_384,
            journal_batch_max: 512,
            busy_timeout: Duration::from_secs(5),
            metrics: Metrics::new(),
        }
    }
}

/// A handle to the database; clones share one journal and one group of threads. What was accepted
/// is finished even when the last handle is dropped; [`Store::close`] waits for that.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    connector: Connector,
    queue_max: usize,
    queries: Arc<Queue<Job>>,
    journal: Arc<JournalQueue>,
    metrics: Metrics,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Store {
    /// Starts the threads. Connections are made when first needed, so this succeeds while the
    /// database is out of reach.
    pub fn open(options: &StoreOptions) -> Result<Self, StoreError> {
        let connector = Connector {
            url: options.url.clone(),
            busy_timeout: options.busy_timeout,
        };
        let inner = Inner {
            queue_max: options.queue_max,
            queries: Arc::new(Queue::new(
                options.queue_max,
                options.metrics.store().query_queue().clone(),
            )),
            journal: Arc::new(Queue::new(
                options.queue_max,
                options.metrics.store().journal_queue().clone(),
            )),
            metrics: options.metrics.clone(),
            threads: Mutex::default(),
            connector: connector.clone(),
        };
        let start = || {
            let mut threads = pool::start(connector.clone(), options.readers, &inner.queries)?;
            threads.push(journal::start(
                connector,
                options.journal_batch_max,
                &inner.journal,
                &inner.metrics,
            )?);
            Ok::<_, std::io::Error>(threads)
        };
        let threads = start().map_err(|error| {
            StoreError::Unavailable(format!("the store's threads cannot be started: {error}"))
        })?;
        *inner.threads.lock() = threads;
        Ok(Self(Arc::new(inner)))
    }

    /// Brings the schema up to date. Blocks: for the command line and for start-up.
    pub fn migrate(&self) -> Result<(), StoreError> {
        migrate::run(&mut self.0.connector.connect(Role::Migration)?)
    }

    /// Takes the schema away, and all data with it. Blocks.
    pub fn revert_migrations(&self) -> Result<(), StoreError> {
        migrate::revert_all(&mut self.0.connector.connect(Role::Migration)?)
    }

    /// How the schema stands to this program's. Blocks: for the command line and for start-up.
    pub fn schema_status(&self) -> Result<SchemaStatus, StoreError> {
        migrate::status(&mut self.0.connector.connect(Role::Migration)?)
    }

    /// Runs queries that change nothing.
    pub async fn read<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> QueryResult<T> + Send + 'static,
    {
        let (job, result) = job::read(query);
        self.0.queries.push(job)?;
        result.await.unwrap_or_else(|_| Err(StoreError::closed()))
    }

    /// How many reads of one kind may wait.
    fn reads_max(&self) -> usize {
        self.0.queue_max
    }

    fn push_read(&self, job: Job) -> Result<(), StoreError> {
        self.0.queries.push(job)
    }

    /// Runs `change` in one database transaction: an error, or a panic, leaves nothing of what it
    /// wrote. It is carried out even when the caller stops waiting.
    pub async fn write<T, E, F>(&self, change: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, WriteError<E>> + Send + 'static,
    {
        let (job, result) = job::write(change);
        // SQLite has one writer at a time: the journal's thread, so that nobody waits for a lock.
        if self.0.connector.url.is_embedded() {
            self.0.journal.push(journal::Work::Write(job))?;
        } else {
            self.0.queries.push(job)?;
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

    /// As [`Store::write`], for a change of many rows whose order others do not know: where
    /// PostgreSQL gives it up to resolve a deadlock, it is made anew.
    pub async fn write_contended<T, E, F>(&self, change: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: Fn(&mut Connection) -> Result<T, WriteError<E>> + Send + Sync + 'static,
    {
        let change = Arc::new(change);
        let mut tries = 0;
        loop {
            tries += 1;
            let change = Arc::clone(&change);
            let written = self
                .write(move |connection| change(connection).map_err(error::Attempt::of))
                .await;
            match written {
                Ok(value) => return Ok(value),
                Err(error::Attempt::Failed(error))
                    if error.is_deadlock() && tries < DEADLOCKS_MAX => {}
                Err(error::Attempt::Failed(error)) => return Err(error.into()),
                Err(error::Attempt::Refused(refusal)) => return Err(refusal),
            }
        }
    }

    /// Hands a change to the journal and waits until it is durable or refused. It is carried out
    /// even when the caller stops waiting.
    pub async fn commit(&self, entry: Entry) -> Result<Outcome, StoreError> {
        let (work, outcome) = journal::Work::entry(entry);
        self.0.journal.push(work)?;
        outcome.await.unwrap_or_else(|_| Err(StoreError::closed()))
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.read(|connection| connection.batch_execute("SELECT 1"))
            .await
    }

    /// Finishes what was accepted and ends the threads. Other handles get
    /// [`StoreError::Unavailable`] from now on. Blocks.
    pub fn close(self) {
        self.0.close_queues();
        for thread in self.0.threads.lock().drain(..) {
            // It has said itself why, if it panicked.
            let _ = thread.join();
        }
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
        self.journal.close();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close_queues();
    }
}
