//! What waits for the journal's thread.

use tokio::sync::oneshot;

use super::entry::{Entry, Outcome};
use crate::store::error::StoreError;
use crate::store::job::Write;

/// One thing for the thread to do.
pub(in crate::store) enum Work {
    /// An entry, committed together with its neighbours.
    Entry(Pending),
    /// A change that reads what it writes by. (On SQLite only this thread writes.)
    Write(Box<dyn Write>),
}

/// An entry and who waits for its outcome.
pub(in crate::store) struct Pending {
    pub(super) entry: Entry,
    pub(super) reply: oneshot::Sender<Result<Outcome, StoreError>>,
}

impl Work {
    /// An entry, and where its outcome will arrive.
    pub(in crate::store) fn entry(
        entry: Entry,
    ) -> (Self, oneshot::Receiver<Result<Outcome, StoreError>>) {
        let (reply, outcome) = oneshot::channel();
        (Self::Entry(Pending { entry, reply }), outcome)
    }
}
