//! Which actor answers to which key.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;

use actix::{Actor, Addr, Context};
use parking_lot::Mutex;

use super::admission::{Admission, Permit};
use super::arbiters::Arbiters;
use crate::telemetry::{Gauge, Metrics};

const SHARDS: usize = 64;

/// What a directory is for.
pub struct DirectoryOptions {
    /// The actors' name in the metric of panics.
    pub actor: &'static str,
    /// The bound's name in the metric of refusals.
    pub bound: &'static str,
    /// Actors in memory at most.
    pub live_max: usize,
    /// Shows how many there are.
    pub live: Gauge,
    /// The threads that the actors live on.
    pub arbiters: Arc<Arbiters>,
    pub metrics: Metrics,
}

/// Key → address of the one actor in this process that answers to it, in shards with a lock each.
///
/// Finding or starting is one step under the shard's lock, so that one key never has two actors
/// here. An actor leaves by itself when it ends; one that died without leaving is noticed, counted
/// and replaced by whoever asks for it next.
pub struct Directory<K, A: Actor> {
    shards: Vec<Mutex<HashMap<K, Addr<A>>>>,
    hasher: RandomState,
    admission: Admission,
    options: DirectoryOptions,
}

impl<K: Hash + Eq + Clone, A: Actor<Context = Context<A>>> Directory<K, A> {
    /// An empty directory.
    #[must_use]
    pub fn new(options: DirectoryOptions) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::new(HashMap::new())).collect();
        Self {
            shards,
            hasher: RandomState::new(),
            admission: Admission::new(options.live_max, options.live.clone()),
            options,
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

    /// Room for one more actor, kept until the permit is dropped. `None` when there are too many,
    /// which is counted.
    ///
    /// For what must not be begun unless its actor can be started afterwards.
    pub fn admit(&self) -> Option<Permit> {
        let permit = self.admission.try_enter();
        if permit.is_none() {
            self.options.metrics.refused(self.options.bound);
        }

        permit
    }

    /// The actor of this key; where none lives, the one made by `make`, on its arbiter.
    ///
    /// `None` when there are too many, which is counted, and during shutdown. The actor keeps the
    /// permit as long as it lives.
    pub fn find_or_start(
        &self,
        key: &K,
        make: impl FnOnce(Permit) -> A + Send + 'static,
    ) -> Option<Addr<A>> {
        self.enter(key, || self.admit(), make)
    }

    /// Like [`Self::find_or_start`], for what was admitted before. `None` during shutdown only.
    pub fn find_or_start_admitted(
        &self,
        key: &K,
        permit: Permit,
        make: impl FnOnce(Permit) -> A + Send + 'static,
    ) -> Option<Addr<A>> {
        self.enter(key, || Some(permit), make)
    }

    fn enter(
        &self,
        key: &K,
        admit: impl FnOnce() -> Option<Permit>,
        make: impl FnOnce(Permit) -> A + Send + 'static,
    ) -> Option<Addr<A>> {
        let arbiter = self.options.arbiters.of(key)?;

        let mut shard = self.shard(key)?.lock();
        let entry = shard.entry(key.clone());
        if let Entry::Occupied(occupied) = &entry
            && occupied.get().connected()
        {
            return Some(occupied.get().clone());
        }

        let permit = admit()?;
        let address = A::start_in_arbiter(arbiter, move |_| make(permit));
        match entry {
            Entry::Vacant(vacant) => {
                vacant.insert(address.clone());
            }
            Entry::Occupied(mut occupied) => {
                self.options.metrics.actor_panicked(self.options.actor);
                occupied.insert(address.clone());
            }
        }

        Some(address)
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

    /// How many actors there are.
    pub fn live(&self) -> usize {
        self.admission.admitted()
    }

    fn shard(&self, key: &K) -> Option<&Mutex<HashMap<K, Addr<A>>>> {
        let index = self.hasher.hash_one(key) % u64::try_from(SHARDS).ok()?;
        self.shards.get(usize::try_from(index).ok()?)
    }
}
