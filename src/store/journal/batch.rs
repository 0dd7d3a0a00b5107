//! Which entries may share a commit: those that concern different rows.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};

use super::entry::Entry;
use super::work::Pending;

/// Splits what waits into batches. Entries that concern the same row must not share one: PostgreSQL
/// runs all guards of a kind in one statement, where they would not see each other.
pub(super) struct Batcher {
    hashes: RandomState,
    /// The rows of the batch at hand, by hash. Two rows of the same hash are taken for one, which
    /// only makes an entry wait.
    rows: HashSet<u64>,
    /// The rows of the entry at hand.
    rows_of_entry: Vec<u64>,
}

impl Batcher {
    pub(super) fn new() -> Self {
        Self {
            hashes: RandomState::new(),
            rows: HashSet::new(),
            rows_of_entry: Vec::new(),
        }
    }

    /// Splits `pending` into what can be committed together and what must wait for the next batch,
    /// both in their order.
    pub(super) fn split(&mut self, pending: Vec<Pending>) -> (Vec<Pending>, Vec<Pending>) {
        self.rows.clear();
        pending
            .into_iter()
            .partition(|pending| self.admit(&pending.entry))
    }

    /// Whether an entry concerns no row that an earlier one concerns, admitted or not: none may
    /// overtake another. The first entry is always admitted.
    fn admit(&mut self, entry: &Entry) -> bool {
        self.rows_of_entry.clear();
        self.rows_of_entry
            .extend(entry.concerns().map(|row| self.hashes.hash_one(row)));

        let is_alone = self
            .rows_of_entry
            .iter()
            .all(|row| !self.rows.contains(row));

        // Also for an entry that has to wait: a later one for the same row must not overtake it.
        self.rows.extend(&self.rows_of_entry);

        is_alone
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;
    use crate::store::rows::AssertionIdRow;

    fn assertion(jti: u8) -> Pending {
        let row = AssertionIdRow {
            client_id: "app".to_owned(),
            jti_hash: vec![jti],
            expires_at: 0,
        };

        let entry = Entry {
            assertions: vec![row],
            ..Entry::default()
        };
        Pending {
            entry,
            reply: oneshot::channel().0,
        }
    }

    fn jtis(pending: &[Pending]) -> Vec<u8> {
        let jti = |pending: &Pending| pending.entry.assertions[0].jti_hash[0];
        pending.iter().map(jti).collect()
    }

    #[test]
    fn entries_for_one_row_wait_for_each_other_in_order() {
        let mut batcher = Batcher::new();

        let (together, later) = batcher.split([1, 2, 1, 3, 2, 1].map(assertion).into());
        assert_eq!(jtis(&together), [1, 2, 3]);
        assert_eq!(jtis(&later), [1, 2, 1]);

        let (together, later) = batcher.split(later);
        assert_eq!(jtis(&together), [1, 2]);
        assert_eq!(jtis(&later), [1]);
    }
}
