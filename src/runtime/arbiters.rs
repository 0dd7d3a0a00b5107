//! A fixed set of threads that actors live on.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::mpsc;
use std::thread::JoinHandle;

use actix::{Arbiter, ArbiterHandle, System};
use parking_lot::Mutex;

/// The threads of the actors, within an actix system of their own. An actor's key decides where it
/// lives.
pub struct Arbiters {
    handles: Vec<ArbiterHandle>,
    system: System,
    hasher: RandomState,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Arbiters {
    /// Starts `count` threads (at least one).
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(count: usize) -> std::io::Result<Self> {
        let (ready, started) = mpsc::sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("actors".to_owned())
            .spawn(move || host(count.max(1), &ready))?;

        let (system, handles) = started.recv().map_err(std::io::Error::other)?;

        Ok(Self {
            handles,
            system,
            hasher: RandomState::new(),
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Where the actor with this key lives.
    pub(super) fn of<K: Hash>(&self, key: &K) -> Option<&ArbiterHandle> {
        let count = u64::try_from(self.handles.len()).ok()?;
        let index = usize::try_from(self.hasher.hash_one(key).checked_rem(count)?).ok()?;
        self.handles.get(index)
    }

    /// Ends all actors and joins the threads. What an actor was saving may or may not be saved:
    /// rows are the truth.
    pub fn stop(&self) {
        for handle in &self.handles {
            handle.stop();
        }

        self.system.stop();

        if let Some(thread) = self.thread.lock().take()
            && thread.join().is_err()
        {
            tracing::error!("the actors' thread ended with a panic");
        }
    }
}

fn host(count: usize, ready: &mpsc::SyncSender<(System, Vec<ArbiterHandle>)>) {
    let runner = System::new();
    let arbiters: Vec<Arbiter> =
        runner.block_on(async move { (0..count).map(|_| Arbiter::new()).collect() });
    let handles = arbiters.iter().map(Arbiter::handle).collect();
    if ready.send((System::current(), handles)).is_err() {
        return;
    }

    if let Err(error) = runner.run() {
        tracing::error!(%error, "the actors' system ended with an error");
    }

    for arbiter in arbiters {
        if arbiter.join().is_err() {
            tracing::error!("an arbiter ended with a panic");
        }
    }
}
