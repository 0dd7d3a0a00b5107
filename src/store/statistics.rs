//! What the store counts about itself.

use std::sync::atomic::{AtomicU64, Ordering};

/// Upper bounds of the buckets of [`StoreStatistics::batch_sizes`]; the last bucket has none.
pub const BATCH_SIZE_BOUNDS: [usize; 9] = [1, 2, 4, 8, 16, 32, 64, 128, 256];

/// What the store has done since it was opened, and what waits now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreStatistics {
    /// Commits of the journal. The counts below are of its entries.
    pub commits: u64,
    /// Entries committed.
    pub entries: u64,
    /// Rows written by committed entries.
    pub rows: u64,
    /// Entries that were refused, replayed or in the name of a disabled user.
    pub refused: u64,
    /// Entries that ended with an error.
    pub failed: u64,
    /// How many commits had how many entries: one count for each bound of [`BATCH_SIZE_BOUNDS`],
    /// and one for larger commits.
    pub batch_sizes: [u64; BATCH_SIZE_BOUNDS.len() + 1],
    /// Entries and writes that wait for the journal.
    pub journal_queue: usize,
    /// Queries that wait for a thread.
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
    /// Counts a committed batch of `entries`, of which `refused` wrote nothing and the others wrote
    /// `rows`.
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

    /// Counts an entry that ended with an error.
    pub(super) fn failed(&self) {
        add(&self.failed, 1);
    }

    /// Reads the counts. The lengths of the queues are left at zero.
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
