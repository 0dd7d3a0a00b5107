//! Entries for the journal.

use countersign::store::journal::{Entry, Guard, Insert, TransactionUpdate};
use countersign::store::rows::TransactionRow;

use crate::support::rows::event;

/// Inserts, without a guard.
pub(super) fn inserting(inserts: impl IntoIterator<Item = Insert>) -> Entry {
    Entry {
        inserts: inserts.into_iter().collect(),
        ..Entry::default()
    }
}

/// A guard alone.
pub(super) fn guarded(guard: impl Into<Guard>) -> Entry {
    Entry {
        guard: Some(guard.into()),
        ..Entry::default()
    }
}

/// A transaction and the event of its start.
pub(super) fn start(row: &TransactionRow) -> Entry {
    inserting([row.clone().into(), event(&row.id).into()])
}

/// A change of a transaction and its event.
pub(super) fn change(update: TransactionUpdate) -> Entry {
    Entry {
        inserts: vec![event(&update.id).into()],
        ..guarded(update)
    }
}
