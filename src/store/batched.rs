//! Reads by key that share a query: all that arrive while one runs are looked up together by the
//! next.
//!
//! What is needed for every request (whose token is this?) would otherwise cost a hop to a thread
//! each time, and on PostgreSQL a round trip. Nothing is cached: each answer is read after it was
//! asked for.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::mem;
use std::sync::Arc;

use diesel::QueryResult;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::connection::Connection;
use super::error::StoreError;
use super::handle::Store;
use super::job;
use super::pool::Pooled;

/// The most keys in one query.
const BATCH_MAX: usize = 512;

/// Finds the rows of these keys, which differ, in any order. A key without a row is left out.
pub type FindRows<K, V> = fn(&mut Connection, &[K]) -> QueryResult<Vec<(K, V)>>;

/// One kind of read by key. Clones share the queries.
pub struct Batched<K, V>(Arc<Inner<K, V>>);

impl<K, V> Clone for Batched<K, V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

struct Inner<K, V> {
    store: Store,
    find: FindRows<K, V>,
    waiting: Mutex<Waiting<K, V>>,
}

struct Waiting<K, V> {
    reads: Vec<Read<K, V>>,
    /// Whether a job that will take them is queued.
    job_is_queued: bool,
}

struct Read<K, V> {
    key: K,
    reply: oneshot::Sender<Result<Option<V>, StoreError>>,
}

impl<K, V> Batched<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + 'static,
{
    #[must_use]
    pub fn new(store: Store, find: FindRows<K, V>) -> Self {
        let waiting = Mutex::new(Waiting {
            reads: Vec::new(),
            job_is_queued: false,
        });
        Self(Arc::new(Inner {
            store,
            find,
            waiting,
        }))
    }

    /// Finds the row of a key, as it is at some moment after the call.
    ///
    /// # Errors
    /// Those of [`Store::read`]. Reads that share a query share its error.
    pub async fn find(&self, key: K) -> Result<Option<V>, StoreError> {
        let (reply, row) = oneshot::channel();
        let job_was_queued = {
            let mut waiting = self.0.waiting.lock();
            // The queue has one job for all of them, so that its bound does not bound these.
            if waiting.reads.len() >= self.0.store.reads_max() {
                return Err(StoreError::Overloaded);
            }

            waiting.reads.push(Read { key, reply });

            mem::replace(&mut waiting.job_is_queued, true)
        };

        if !job_was_queued {
            self.queue_job();
        }

        row.await.unwrap_or_else(|_| Err(StoreError::closed()))
    }

    fn queue_job(&self) {
        let reads = self.clone();
        let job = Box::new(move |pooled: Result<&mut Pooled, StoreError>| reads.run(pooled));

        if let Err(error) = self.0.store.push_read(job) {
            let mut waiting = self.0.waiting.lock();
            waiting.job_is_queued = false;
            let reads = mem::take(&mut waiting.reads);
            // Those who are answered may ask again at once, and must not wait for this lock.
            drop(waiting);
            fail(reads, &error);
        }
    }

    /// Runs one query for what waits.
    fn run(&self, pooled: Result<&mut Pooled, StoreError>) {
        let (reads, more) = self.take();
        // Before the query runs, so that another thread begins with the rest at once.
        if more {
            self.queue_job();
        }

        // Each once: a lookup of lists would list everything twice.
        let keys: HashSet<&K> = reads.iter().map(|read| &read.key).collect();
        let keys: Vec<K> = keys.into_iter().cloned().collect();
        let found = pooled.and_then(|pooled| {
            job::run_query(pooled, |connection| (self.0.find)(connection, &keys))
        });

        match found {
            Ok(rows) => answer(reads, rows),
            Err(error) => fail(reads, &error),
        }
    }

    /// Takes what fits into one query, and tells whether there is more.
    fn take(&self) -> (Vec<Read<K, V>>, bool) {
        let mut waiting = self.0.waiting.lock();
        let count = waiting.reads.len().min(BATCH_MAX);
        let taken = waiting.reads.drain(..count).collect();
        waiting.job_is_queued = !waiting.reads.is_empty();
        (taken, waiting.job_is_queued)
    }
}

fn answer<K: Eq + Hash, V: Clone>(reads: Vec<Read<K, V>>, rows: Vec<(K, V)>) {
    let rows: HashMap<K, V> = rows.into_iter().collect();
    for read in reads {
        // The caller may have gone meanwhile.
        let _ = read.reply.send(Ok(rows.get(&read.key).cloned()));
    }
}

fn fail<K, V>(reads: Vec<Read<K, V>>, error: &StoreError) {
    for read in reads {
        let _ = read.reply.send(Err(error.clone()));
    }
}
