//! The group-commit writer: one thread, one connection, one database transaction for all that
//! arrived while the last ran.

mod batch;
mod columns;
mod entry;
mod postgres;
mod sqlite;
mod writer;

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tokio::sync::oneshot;

use super::connection::Connector;
use super::error::StoreError;
use super::job::Job;
use super::queue::Queue;
use crate::telemetry::Metrics;
use batch::Pending;

pub use entry::{Entry, Guard, Insert, Outcome};

/// What waits for the journal.
pub(super) type JournalQueue = Queue<Work>;

/// One thing for the journal's thread to do.
pub(super) enum Work {
    /// An entry, to be committed with its neighbours.
    Entry(Pending),
    /// A transaction of its own, where only this thread may write.
    Write(Job),
}

impl Work {
    /// An entry, and where its outcome will be told.
    pub(super) fn entry(entry: Entry) -> (Self, oneshot::Receiver<Result<Outcome, StoreError>>) {
        let (reply, outcome) = oneshot::channel();
        (Self::Entry(Pending { entry, reply }), outcome)
    }
}

/// Starts the thread. It ends when `queue` is closed and drained.
pub(super) fn start(
    connector: Connector,
    batch_max: usize,
    queue: &Arc<JournalQueue>,
    metrics: &Metrics,
) -> io::Result<JoinHandle<()>> {
    let writer = writer::Writer::new(connector, batch_max.max(1), queue.clone(), metrics.clone());
    thread::Builder::new()
        .name("journal".to_owned())
        .spawn(move || writer.run())
}
