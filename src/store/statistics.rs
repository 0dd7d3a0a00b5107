//! What the store counts about itself.

use std::sync::atomic::{AtomicU64, Ordering};

/// Upper bounds of the buckets of [`StoreStatistics::batch_sizes`]; the last bucket has none.
pub const BATCH_SIZE_BOUNDS: [usize; 9] = [1, 2, 4, 8, 16, 32, 64, 128, 256];

/// How the store has been doing since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreStatistics {
    /// Commits of the journal.
    pub commits: u64,
    /// Entries committed by these.
    pub entries: u64,
    /// Rows written by these.
    pub rows: u64,
    /// Entries whose guard did not hold.
    pub refused: u64,
    pub failed: u64,
    /// How many commits had how many entries: one count for each bound of [`BATCH_SIZE_BOUNDS`],
    /// and one for larger ones.
    pub batch_sizes: [u64; BATCH_SIZE_BOUNDS.len() + 1],
    /// What waits for the journal now.
    pub journal_queue: usize,
    /// Queries that wait for a thread now.
    pub query_queue: usize,
}

/// The counters behind [`StoreStatistics`].
#[derive(Debug, Default)]
pub(super) struct Counters {
    commits: AtomicU64,
    entries: AtomicU64,
    rows: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
    batch_sizes: [AtomicU64; BATCH_SIZE_BOUNDS.len() + 1],
}

impl Counters {
    /// A batch of `entries` was committed; `refused` of them wrote nothing, the others `rows`.
    pub(super) fn committed(&self, entries: usize, refused: usize, rows: usize) {
        add(&self.commits, 1);
        add(&self.entries, entries - refused);
        add(&self.refused, refused);
        add(&self.rows, rows);
        let bucket = BATCH_SIZE_BOUNDS.partition_point(|bound| *bound < entries);
        if let Some(count) = self.batch_sizes.get(bucket) {
            add(count, 1);
        }
    }

    /// So many entries failed.
    pub(super) fn failed(&self, entries: usize) {
        add(&self.failed, entries);
    }

    /// The counts now; the queues' lengths are left to whoever has the queues.
    pub(super) fn read(&self) -> StoreStatistics {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        StoreStatistics {
            commits: read(&self.commits),
            entries: read(&self.entries),
            rows: read(&self.rows),
            refused: read(&self.refused),
            failed: read(&self.failed),
            batch_sizes: self.batch_sizes.each_ref().map(read),
            journal_queue: 0,
            query_queue: 0,
        }
    }
}

fn add(count: &AtomicU64, by: usize) {
    count.fetch_add(by as u64, Ordering::Relaxed);
}
