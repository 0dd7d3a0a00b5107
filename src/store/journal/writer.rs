//! The journal's thread: it collects entries, commits them and answers.

use std::collections::HashSet;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{io, mem};

use super::apply::apply;
use super::batch::Batcher;
use super::entry::{Entry, Outcome};
use super::work::{Pending, Work};
use crate::store::error::StoreError;
use crate::store::health::Health;
use crate::store::job::{NotKept, Write, transact, transact_together};
use crate::store::pool::{Lent, Pool};
use crate::store::queue::Queue;
use crate::store::record::{Key, Record};
use crate::telemetry::Metrics;

/// How long the parts of a batch that failed wait for a lock.
const SPLIT_LOCK_WAIT: Duration = Duration::from_millis(50);

/// Starts the thread. It ends when `queue` is closed and empty.
pub(in crate::store) fn start(
    pool: Pool,
    batch_max: usize,
    queue: Arc<Queue<Work>>,
    metrics: Metrics,
    health: Arc<Health>,
) -> io::Result<JoinHandle<()>> {
    let writer = Writer {
        health,
        pool,
        batch_max: batch_max.max(1),
        queue,
        metrics,
        batcher: Batcher::new(),
        pending: Vec::new(),
    };

    thread::Builder::new()
        .name("journal".to_owned())
        .spawn(move || writer.run())
}

struct Writer {
    health: Arc<Health>,
    pool: Pool,
    batch_max: usize,
    queue: Arc<Queue<Work>>,
    metrics: Metrics,
    batcher: Batcher,
    /// Entries that wait for the next batch.
    pending: Vec<Pending>,
}

impl Writer {
    fn run(mut self) {
        let mut arrived = Vec::new();
        loop {
            // What the last batch left behind does not wait for more.
            let room = self.batch_max.saturating_sub(self.pending.len());
            let wait = self.pending.is_empty();
            let open = self.queue.take(room, wait, &mut arrived);
            if !open && self.pending.is_empty() {
                return;
            }

            let mut writes = Vec::new();
            for work in arrived.drain(..) {
                match work {
                    Work::Entry(pending) => self.pending.push(pending),
                    Work::Write(write) => writes.push(write),
                }
            }

            let (together, later) = self.batcher.split(mem::take(&mut self.pending));
            self.pending = later;

            if !together.is_empty() {
                self.commit(together);
            }

            if !writes.is_empty() {
                self.write(writes);
            }
        }
    }

    /// Commits a batch and answers everybody. If it fails because of something in it, such as a row
    /// that somebody else keeps locked, its halves are committed apart, down to the entry that is to
    /// blame, so that the others do not suffer for it.
    fn commit(&mut self, batch: Vec<Pending>) {
        self.commit_waiting(batch, None);
    }

    /// `lock_wait`: another limit than the connection's.
    fn commit_waiting(&mut self, mut batch: Vec<Pending>, lock_wait: Option<Duration>) {
        match self.attempt(&batch, lock_wait) {
            Ok(outcomes) => {
                self.count(&batch, &outcomes);
                self.turn_away_doubles(&batch, &outcomes);
                for (pending, outcome) in batch.into_iter().zip(outcomes) {
                    // The caller may have gone meanwhile.
                    let _ = pending.reply.send(Ok(outcome));
                }
            }
            Err(StoreError::Query(_) | StoreError::Aborted(_) | StoreError::Panicked)
                if batch.len() > 1 =>
            {
                // Halving finds one bad entry among 512 in some twenty attempts.
                let second_half = batch.split_off(batch.len() / 2);
                // Whatever is locked was waited for once.
                self.commit_waiting(batch, Some(SPLIT_LOCK_WAIT));
                self.commit_waiting(second_half, Some(SPLIT_LOCK_WAIT));
            }
            Err(error) => {
                for pending in batch {
                    self.fail(pending, &error);
                }
            }
        }
    }

    /// Answers what waits with an assertion that this batch has used: a batch of its own for each
    /// would hold up everybody else.
    fn turn_away_doubles(&mut self, batch: &[Pending], outcomes: &[Outcome]) {
        if self.pending.is_empty() {
            return;
        }

        let used: HashSet<Key<'_>> = batch
            .iter()
            .zip(outcomes)
            // Nothing was written for a disabled user, not even that the assertion was used.
            .filter(|(_, outcome)| **outcome != Outcome::UserDisabled)
            .flat_map(|(pending, _)| pending.entry.assertions.iter().map(Record::key))
            .collect();

        let is_double = |pending: &Pending| {
            let mut assertions = pending.entry.assertions.iter();
            assertions.any(|row| used.contains(&row.key()))
        };

        let waiting = mem::take(&mut self.pending).into_iter();
        let (doubles, pending): (Vec<_>, Vec<_>) = waiting.partition(is_double);
        self.pending = pending;

        self.metrics.store().turned_away(doubles.len());
        for double in doubles {
            let _ = double.reply.send(Ok(Outcome::Replayed));
        }
    }

    /// Commits `batch` in one database transaction. Returns an outcome for each entry, in order; on
    /// an error nothing happened.
    fn attempt(
        &mut self,
        batch: &[Pending],
        lock_wait: Option<Duration>,
    ) -> Result<Vec<Outcome>, StoreError> {
        let entries: Vec<&Entry> = batch.iter().map(|pending| &pending.entry).collect();
        let mut lent = self.lend()?;

        let applied = transact(&mut lent, |connection| {
            if let Some(wait) = lock_wait {
                connection.limit_lock_waits(wait)?;
            }

            Ok(apply(connection, &entries)?)
        });

        self.health.record(applied.as_ref().err());
        applied
    }

    /// Runs writes, which share a database transaction.
    fn write(&mut self, writes: Vec<Box<dyn Write>>) {
        match self.lend() {
            Ok(mut lent) => transact_together(&mut lent, writes),
            Err(error) => {
                for write in writes {
                    write.answer(Err(NotKept::Failed(error.clone())));
                }
            }
        }
    }

    /// Lends a connection. If there is none, everybody who waits is turned away: nobody waits for
    /// one failed attempt after the other.
    fn lend(&mut self) -> Result<Lent, StoreError> {
        let lent = self.pool.lend_writing();

        if let Err(error) = &lent {
            self.health.record(Some(error));

            for pending in mem::take(&mut self.pending) {
                self.fail(pending, error);
            }

            for work in self.queue.drain() {
                match work {
                    Work::Entry(pending) => self.fail(pending, error),
                    Work::Write(write) => write.answer(Err(NotKept::Failed(error.clone()))),
                }
            }
        }

        lent
    }

    fn fail(&self, pending: Pending, error: &StoreError) {
        self.metrics.store().failed(1);
        let _ = pending.reply.send(Err(error.clone()));
    }

    fn count(&self, batch: &[Pending], outcomes: &[Outcome]) {
        let mut refused = 0;
        let mut rows = 0;
        for (pending, outcome) in batch.iter().zip(outcomes) {
            match outcome {
                Outcome::Committed => rows += pending.entry.rows(),
                Outcome::Refused
                | Outcome::Replayed
                | Outcome::UserDisabled
                | Outcome::TooMany { .. }
                | Outcome::TooManyFailures => refused += 1,
            }
        }

        self.metrics.store().committed(batch.len(), refused, rows);
    }
}
