//! The journal's thread: collects, commits, answers; loses its connection and finds it again.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use diesel::QueryResult;

use super::batch::{Batcher, Pending};
use super::entry::{Entry, Outcome};
use super::{JournalQueue, Work, postgres, sqlite};
use crate::store::Connection;
use crate::store::connection::{Connector, Role};
use crate::store::error::StoreError;
use crate::store::job::{Health, Job, transact};
use crate::telemetry::Metrics;

/// How long to wait between attempts to connect: doubled from the first to the last.
const RECONNECT_WAIT_MIN: Duration = Duration::from_millis(50);
const RECONNECT_WAIT_MAX: Duration = Duration::from_secs(1);

pub(super) struct Writer {
    connector: Connector,
    batch_max: usize,
    queue: Arc<JournalQueue>,
    metrics: Metrics,
    batcher: Batcher,
    connection: Option<Connection>,
    /// Zero unless the last attempt to connect failed.
    reconnect_wait: Duration,
}

impl Writer {
    pub(super) fn new(
        connector: Connector,
        batch_max: usize,
        queue: Arc<JournalQueue>,
        metrics: Metrics,
    ) -> Self {
        let batcher = Batcher::new();
        Self {
            connector,
            batch_max,
            queue,
            metrics,
            batcher,
            connection: None,
            reconnect_wait: Duration::ZERO,
        }
    }

    /// Works until the queue is closed and drained.
    pub(super) fn run(mut self) {
        let mut pending: Vec<Pending> = Vec::new();
        let mut arrived = Vec::new();
        loop {
            let room = self.batch_max.saturating_sub(pending.len());
            let open = self.queue.take(room, pending.is_empty(), &mut arrived);
            if !open && pending.is_empty() {
                return;
            }
            let mut writes = Vec::new();
            for work in arrived.drain(..) {
                match work {
                    Work::Entry(entry) => pending.push(entry),
                    Work::Write(job) => writes.push(job),
                }
            }
            let (together, later) = self.batcher.split(mem::take(&mut pending));
            pending = later;
            if !together.is_empty() {
                self.commit(together);
            }
            for job in writes {
                self.write(job);
            }
        }
    }

    /// Commits a batch and tells everybody. When it fails because of something in it, its halves
    /// are tried apart, down to the entry that is to blame, so that the others do not suffer for
    /// it.
    fn commit(&mut self, mut batch: Vec<Pending>) {
        match self.attempt(&batch) {
            Ok(outcomes) => {
                self.count(&batch, &outcomes);
                for (pending, outcome) in batch.into_iter().zip(outcomes) {
                    // Whoever asked may have gone meanwhile.
                    let _ = pending.reply.send(Ok(outcome));
                }
            }
            Err(StoreError::Query(_) | StoreError::Panicked) if batch.len() > 1 => {
                let second_half = batch.split_off(batch.len() / 2);
                self.commit(batch);
                self.commit(second_half);
            }
            Err(error) => {
                self.metrics.store().failed(batch.len());
                for pending in batch {
                    let _ = pending.reply.send(Err(error.clone()));
                }
            }
        }
    }

    /// One database transaction for all of `batch`: an outcome for each, in order, or nothing
    /// happened.
    fn attempt(&mut self, batch: &[Pending]) -> Result<Vec<Outcome>, StoreError> {
        let connection = self.connection()?;
        let entries: Vec<&Entry> = batch.iter().map(|pending| &pending.entry).collect();
        let (result, health) = transact(connection, |connection| Ok(apply(connection, &entries)?));
        self.check(health);
        result
    }

    fn write(&mut self, job: Job) {
        let mut health = Health::Sound;
        job(self.connection(), &mut |reported| health = reported);
        self.check(health);
    }

    /// The connection, made anew if it was lost. While connecting fails, each attempt is preceded
    /// by a growing pause.
    fn connection(&mut self) -> Result<&mut Connection, StoreError> {
        if self.connection.is_none() {
            self.queue.pause(self.reconnect_wait);
            match self.connector.connect(Role::Journal) {
                Ok(connection) => {
                    self.reconnect_wait = Duration::ZERO;
                    self.connection = Some(connection);
                }
                Err(error) => {
                    tracing::warn!(%error, "the journal could not connect to the database");
                    self.reconnect_wait =
                        (self.reconnect_wait * 2).clamp(RECONNECT_WAIT_MIN, RECONNECT_WAIT_MAX);
                    let error = StoreError::from(error);
                    self.turn_away(&error);
                    return Err(error);
                }
            }
        }
        self.connection.as_mut().ok_or_else(StoreError::closed)
    }

    /// Tells all who wait that there is no database, so that they need not wait for one attempt to
    /// connect after the other.
    fn turn_away(&self, error: &StoreError) {
        for work in self.queue.drain() {
            match work {
                Work::Entry(pending) => {
                    self.metrics.store().failed(1);
                    let _ = pending.reply.send(Err(error.clone()));
                }
                Work::Write(job) => {
                    job(Err(error.clone()), &mut |_| ());
                }
            }
        }
    }

    fn check(&mut self, health: Health) {
        if health == Health::Broken {
            self.connection = None;
        }
    }

    fn count(&self, batch: &[Pending], outcomes: &[Outcome]) {
        let mut refused = 0;
        let mut rows = 0;
        for (pending, outcome) in batch.iter().zip(outcomes) {
            match outcome {
                Outcome::Committed => rows += pending.entry.rows(),
                Outcome::Refused | Outcome::Replayed | Outcome::UserDisabled => refused += 1,
            }
        }
        self.metrics.store().committed(batch.len(), refused, rows);
    }
}

fn apply(connection: &mut Connection, entries: &[&Entry]) -> QueryResult<Vec<Outcome>> {
    match connection {
        Connection::Postgres(connection) => postgres::apply(connection, entries),
        Connection::Sqlite(connection) => sqlite::apply(connection, entries),
    }
}
