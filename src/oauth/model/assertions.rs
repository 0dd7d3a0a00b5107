use crate::clock::Timestamp;
use crate::jose::assertion::{Assertion, LEEWAY};
use crate::jose::dpop::DpopProof;
use crate::secret::{Keyring, TokenKind};
use crate::store::rows::AssertionIdRow;

/// The assertions and proofs that a request came with.
///
/// Each is good once: they are recorded in the same commit as what the request does, which fails
/// where one was recorded before.
#[derive(Clone, Debug, Default)]
pub(crate) struct UsedAssertions(Vec<AssertionIdRow>);

impl UsedAssertions {
    /// A client assertion (RFC 7523).
    pub(crate) fn assertion(keyring: &Keyring, client_id: &str, verified: &Assertion) -> Self {
        let hash = keyring.token_hash(TokenKind::AssertionId, &verified.jti);
        Self(vec![row(client_id, hash, verified.expires_at)])
    }

    /// A DPoP proof, which is unique for its key (RFC 9449 §11.1).
    pub(crate) fn proof(keyring: &Keyring, verified: &DpopProof) -> Self {
        // The kind of the hash keeps it apart from assertions, whatever clients are called.
        let hash = keyring.token_hash(TokenKind::ProofId, &verified.jti);
        Self(vec![row(&verified.jkt, hash, verified.expires_at)])
    }

    pub(crate) fn extend(&mut self, more: Self) {
        self.0.extend(more.0);
    }

    /// Leaves nothing to record.
    pub(crate) fn take(&mut self) -> Self {
        std::mem::take(self)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn into_rows(self) -> Vec<AssertionIdRow> {
        self.0
    }
}

fn row(client_id: &str, jti_hash: [u8; 32], expires_at: Timestamp) -> AssertionIdRow {
    AssertionIdRow {
        client_id: client_id.to_owned(),
        jti_hash: jti_hash.to_vec(),
        // Nodes need not agree on the time to the second.
        expires_at: expires_at.after(LEEWAY).as_millis(),
    }
}
