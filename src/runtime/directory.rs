//! Which actor answers to which key.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix::{Actor, Addr, Context};
use parking_lot::Mutex;

use super::Arbiters;

const SHARDS: usize = 64;

/// Key → address of the one actor in this process that answers to it, in shards with a lock each.
///
/// Finding or starting is one step under the shard's lock, so that one key never has two actors
/// here. An actor leaves by itself when it ends; one that died without leaving is noticed and
/// replaced by whoever asks for it next.
pub struct Directory<K, A: Actor> {
    shards: Vec<Mutex<HashMap<K, Addr<A>>>>,
    hasher: RandomState,
    arbiters: Arc<Arbiters>,
    died: AtomicU64,
}

impl<K: Hash + Eq + Clone, A: Actor<Context = Context<A>>> Directory<K, A> {
    /// An empty one, whose actors live on these arbiters.
    #[must_use]
    pub fn new(arbiters: Arc<Arbiters>) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::new(HashMap::new())).collect();
        Self {
            shards,
            hasher: RandomState::new(),
            arbiters,
            died: AtomicU64::new(0),
        }
    }

    /// The actor of this key, if one lives.
    pub fn find(&self, key: &K) -> Option<Addr<A>> {
        self.shard(key)?
            .lock()
            .get(key)
            .filter(|address| address.connected())
            .cloned()
    }

    /// The actor of this key; where none lives, the one made by `make`, on its arbiter. Nothing
    /// during shutdown.
    pub fn find_or_start(
        &self,
        key: &K,
        make: impl FnOnce() -> A + Send + 'static,
    ) -> Option<Addr<A>> {
        let arbiter = self.arbiters.of(key)?;
        let start = || A::start_in_arbiter(arbiter, |_| make());
        match self.shard(key)?.lock().entry(key.clone()) {
            Entry::Vacant(vacant) => Some(vacant.insert(start()).clone()),
            Entry::Occupied(mut occupied) => {
                if !occupied.get().connected() {
                    self.died.fetch_add(1, Ordering::Relaxed);
                    occupied.insert(start());
                }
                Some(occupied.get().clone())
            }
        }
    }

    /// Called by the actor at `address` when it ends. Another one that has taken its place stays.
    pub fn leave(&self, key: &K, address: &Addr<A>) {
        let Some(shard) = self.shard(key) else { return };
        if let Entry::Occupied(occupied) = shard.lock().entry(key.clone())
            && occupied.get() == address
        {
            occupied.remove();
        }
    }

    /// How many are listed.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    /// Whether none is listed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many were found dead in their place: actors that panicked.
    pub fn died(&self) -> u64 {
        self.died.load(Ordering::Relaxed)
    }

    fn shard(&self, key: &K) -> Option<&Mutex<HashMap<K, Addr<A>>>> {
        let index = self.hasher.hash_one(key) % u64::try_from(SHARDS).ok()?;
        self.shards.get(usize::try_from(index).ok()?)
    }
}
