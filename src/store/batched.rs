//! Reads by key that share a query: all that arrive while one runs are looked up together by the
//! next.
//!
//! What is asked for with every request (whose token is this?) would cost a way to a thread, and on
//! PostgreSQL a way to the server and back, each time. Nothing is remembered: each answer is read
//! after it was asked for.

use std::collections::HashMap;
use std::hash::Hash;
use std::mem;
use std::sync::Arc;

use diesel::QueryResult;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::error::StoreError;
use super::job;
use super::{Connection, Store};

/// Keys looked up in one query at most.
const BATCH_MAX: usize = 512;

/// Finds the rows of these keys, in any order; a key without a row has none in the answer.
pub type FindRows<K, V> = fn(&mut Connection, &[K]) -> QueryResult<Vec<(K, V)>>;

/// One kind of read by key. Clones share what waits.
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
    /// Whether a job is on its way that will take them.
    called: bool,
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
    /// Reads of this store, by this query.
    #[must_use]
    pub fn new(store: Store, find: FindRows<K, V>) -> Self {
        let waiting = Mutex::new(Waiting {
            reads: Vec::new(),
            called: false,
        });
        Self(Arc::new(Inner {
            store,
            find,
            waiting,
        }))
    }

    /// The row of a key, as it is at some moment after the call.
    ///
    /// # Errors
    /// As those of [`Store::read`]; all reads that share a query share its error.
    pub async fn find(&self, key: K) -> Result<Option<V>, StoreError> {
        let (reply, row) = oneshot::channel();
        let call = {
            let mut waiting = self.0.waiting.lock();
            if waiting.reads.len() >= self.0.store.reads_max() {
                return Err(StoreError::Overloaded);
            }
            waiting.reads.push(Read { key, reply });
            !mem::replace(&mut waiting.called, true)
        };
        if call {
            self.call();
        }
        row.await.unwrap_or_else(|_| Err(StoreError::closed()))
    }

    /// Has a thread of the store take what waits.
    fn call(&self) {
        let reads = self.clone();
        let job = job::shared(move |connection| reads.run(connection));
        if let Err(error) = self.0.store.push_read(job) {
            self.answer_all(&error);
        }
    }

    fn run(&self, connection: Result<&mut Connection, StoreError>) -> Option<StoreError> {
        let (reads, more) = self.take();
        if more {
            self.call();
        }
        let keys: Vec<K> = reads.iter().map(|read| read.key.clone()).collect();
        let found = connection
            .and_then(|connection| job::guarded_query(|| (self.0.find)(connection, &keys)));
        match found {
            Ok(rows) => {
                let rows: HashMap<K, V> = rows.into_iter().collect();
                for read in reads {
                    // Whoever asked may have gone meanwhile.
                    let _ = read.reply.send(Ok(rows.get(&read.key).cloned()));
                }
                None
            }
            Err(error) => {
                for read in reads {
                    let _ = read.reply.send(Err(error.clone()));
                }
                Some(error)
            }
        }
    }

    /// What fits into one query, and whether there is more.
    fn take(&self) -> (Vec<Read<K, V>>, bool) {
        let mut waiting = self.0.waiting.lock();
        let count = waiting.reads.len().min(BATCH_MAX);
        let taken = waiting.reads.drain(..count).collect();
        waiting.called = !waiting.reads.is_empty();
        (taken, waiting.called)
    }

    fn answer_all(&self, error: &StoreError) {
        let reads = {
            let mut waiting = self.0.waiting.lock();
            waiting.called = false;
            mem::take(&mut waiting.reads)
        };
        for read in reads {
            let _ = read.reply.send(Err(error.clone()));
        }
    }
}
