//! Which entries may share a commit.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};

use tokio::sync::oneshot;

use super::entry::{Entry, Guard, Insert, Outcome};
use crate::store::error::StoreError;

/// An entry and who waits for it.
pub(in crate::store) struct Pending {
    pub(super) entry: Entry,
    pub(super) reply: oneshot::Sender<Result<Outcome, StoreError>>,
}

/// Finds entries that depend on another one of the same batch. In a set-based statement they would
/// not see each other.
pub(super) struct Batcher {
    hashes: RandomState,
    /// What the batch at hand writes, by hash: two things of the same hash are taken for the same,
    /// which costs one of them a wait and nothing else.
    touched: HashSet<u64>,
    /// What the entry at hand writes.
    touching: Vec<u64>,
}

/// What two entries of one batch must not both touch.
#[derive(Hash)]
enum Touched<'a> {
    Transaction(&'a [u8]),
    IdempotencyKey(&'a str, &'a [u8]),
    AssertionId(&'a str, &'a [u8]),
    Code(&'a [u8]),
    RefreshToken(&'a [u8]),
    Authenticator(&'a str, &'a str, &'a str),
}

impl Batcher {
    pub(super) fn new() -> Self {
        Self {
            hashes: RandomState::new(),
            touched: HashSet::new(),
            touching: Vec::new(),
        }
    }

    /// Splits `pending` into what can be committed together and what must wait for the next batch,
    /// both in their order.
    pub(super) fn split(&mut self, pending: Vec<Pending>) -> (Vec<Pending>, Vec<Pending>) {
        self.touched.clear();
        pending
            .into_iter()
            .partition(|pending| self.admit(&pending.entry))
    }

    /// Whether an entry touches nothing that an earlier one, admitted or not, touches. The first
    /// always does.
    fn admit(&mut self, entry: &Entry) -> bool {
        self.touching.clear();
        for row in &entry.assertions {
            self.touch(&Touched::AssertionId(&row.client_id, &row.jti_hash));
        }
        match &entry.guard {
            Guard::None => {}
            Guard::Transaction(update) => self.touch(&Touched::Transaction(&update.id)),
            Guard::IdempotencyKey(row) => {
                self.touch(&Touched::IdempotencyKey(&row.client_id, &row.key_hash))
            }
            Guard::Authorization(step) => self.touch(&Touched::Code(&step.id)),
            Guard::Code(redemption) | Guard::DeviceCode(redemption) => {
                self.touch(&Touched::Code(&redemption.id))
            }
            Guard::RefreshToken(rotation) => self.touch(&Touched::RefreshToken(&rotation.id)),
            Guard::AuthenticatorTry(attempt) => {
                self.touch(&Touched::Authenticator(
                    &attempt.device_id,
                    &attempt.user_id,
                    &attempt.name,
                ));
            }
        }
        for insert in &entry.inserts {
            match insert {
                Insert::Transaction(row) => self.touch(&Touched::Transaction(&row.id)),
                Insert::Authorization(row) => self.touch(&Touched::Code(&row.id)),
                Insert::AuthenticatorSuccess(key) => {
                    self.touch(&Touched::Authenticator(
                        &key.device_id,
                        &key.user_id,
                        &key.name,
                    ));
                }
                _ => {}
            }
        }
        let alone = self
            .touching
            .iter()
            .all(|hash| !self.touched.contains(hash));
        self.touched.extend(&self.touching);
        alone
    }

    fn touch(&mut self, key: &Touched<'_>) {
        self.touching.push(self.hashes.hash_one(key));
    }
}

#[cfg(test)]
mod tests {
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
    fn the_later_of_two_with_one_key_waits_in_order() {
        let mut batcher = Batcher::new();
        let (together, later) = batcher.split([1, 2, 1, 3, 2, 1].map(assertion).into());
        assert_eq!(jtis(&together), [1, 2, 3]);
        assert_eq!(jtis(&later), [1, 2, 1]);
        let (together, later) = batcher.split(later);
        assert_eq!(jtis(&together), [1, 2]);
        assert_eq!(jtis(&later), [1]);
    }
}
