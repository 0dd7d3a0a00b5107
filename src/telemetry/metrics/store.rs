//! What the store counts about itself.

use prometheus::{IntCounter, IntGauge};

use super::make::Make;

/// Upper bounds of the batch sizes that are told apart; what is larger counts as `more`.
const BATCH_SIZE_BOUNDS: [usize; 9] = [1, 2, 4, 8, 16, 32, 64, 128, 256];
const BATCH_SIZES: usize = BATCH_SIZE_BOUNDS.len() + 1;

/// Counters of the journal, and gauges of what waits for the database.
#[derive(Debug)]
pub struct StoreMetrics {
    commits: IntCounter,
    committed: IntCounter,
    refused: IntCounter,
    failed: IntCounter,
    rows: IntCounter,
    batches: [IntCounter; BATCH_SIZES],
    journal_queue: IntGauge,
    query_queue: IntGauge,
    write_queue: IntGauge,
}

/// What the journal has done since the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalCounts {
    pub commits: u64,
    /// Entries that wrote something.
    pub committed: u64,
    /// Entries whose guard did not hold.
    pub refused: u64,
    pub failed: u64,
    pub rows: u64,
}

impl StoreMetrics {
    pub(super) fn new(make: &Make) -> Self {
        let entries = make.counters(
            "journal_entries_total",
            "Changes given to the journal, by outcome.",
            &["outcome"],
        );

        let batches = make.counters(
            "journal_batches_total",
            "Commits by the number of changes in them: up to this and more than the one before.",
            &["entries_max"],
        );

        let queues = make.gauges(
            "store_queue",
            "Work that waits for the database.",
            &["queue"],
        );

        Self {
            commits: make.counter("journal_commits_total", "Commits of the journal."),
            committed: entries.with_label_values(&["committed"]),
            refused: entries.with_label_values(&["refused"]),
            failed: entries.with_label_values(&["failed"]),
            rows: make.counter("journal_rows_total", "Rows written by the journal."),
            batches: std::array::from_fn(|index| {
                let bound = BATCH_SIZE_BOUNDS.get(index);
                let label = bound.map_or_else(|| "more".to_owned(), ToString::to_string);
                batches.with_label_values(&[label.as_str()])
            }),
            journal_queue: queues.with_label_values(&["journal"]),
            query_queue: queues.with_label_values(&["queries"]),
            write_queue: queues.with_label_values(&["writes"]),
        }
    }

    /// A batch of `entries` was committed; `refused` of them wrote nothing, the others `rows`.
    pub fn committed(&self, entries: usize, refused: usize, rows: usize) {
        self.commits.inc();
        self.committed.inc_by((entries - refused) as u64);
        self.refused.inc_by(refused as u64);
        self.rows.inc_by(rows as u64);

        let size = BATCH_SIZE_BOUNDS.partition_point(|bound| *bound < entries);

        if let Some(count) = self.batches.get(size) {
            count.inc();
        }
    }

    /// So many entries were refused without a batch.
    pub fn turned_away(&self, entries: usize) {
        self.refused.inc_by(entries as u64);
    }

    /// So many entries failed.
    pub fn failed(&self, entries: usize) {
        self.failed.inc_by(entries as u64);
    }

    /// What waits for the journal.
    #[must_use]
    pub fn journal_queue(&self) -> &IntGauge {
        &self.journal_queue
    }

    /// Queries that wait for a thread.
    #[must_use]
    pub fn query_queue(&self) -> &IntGauge {
        &self.query_queue
    }

    /// Changes in database transactions of their own that wait for a thread.
    #[must_use]
    pub fn write_queue(&self) -> &IntGauge {
        &self.write_queue
    }

    /// The journal's counts now: for tests and benchmarks.
    #[must_use]
    pub fn journal(&self) -> JournalCounts {
        JournalCounts {
            commits: self.commits.get(),
            committed: self.committed.get(),
            refused: self.refused.get(),
            failed: self.failed.get(),
            rows: self.rows.get(),
        }
    }
}
