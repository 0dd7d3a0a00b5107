//! What proves a request proves it once.

use super::error::OAuthError;
use super::model::UsedAssertions;
use crate::store::journal::{Entry, Outcome};
use crate::store::{Store, StoreError};

/// Records assertions and proofs as used; `false` when one of them was used before.
///
/// For requests that write nothing else: the others record them together with what they write.
pub(super) async fn record(store: &Store, used: UsedAssertions) -> Result<bool, StoreError> {
    if used.is_empty() {
        return Ok(true);
    }

    let entry = Entry {
        assertions: used.into_rows(),
        ..Entry::default()
    };
    Ok(store.commit(entry).await? == Outcome::Committed)
}

/// The error where a client's assertion was used before.
pub(super) fn refused() -> OAuthError {
    tracing::info!("a client assertion was refused: it was used before");
    OAuthError::InvalidClient
}
