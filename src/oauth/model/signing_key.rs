use crate::clock::Timestamp;
use crate::jose::SigningAlgorithm;
use crate::store::CorruptRow;
use crate::store::rows::SigningKeyRow;

/// A key that the server signs with, as it is kept: sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredKey {
    pub(crate) kid: String,
    pub(crate) algorithm: SigningAlgorithm,
    /// PKCS#8, sealed under the master key.
    pub(crate) sealed: Vec<u8>,
    pub(crate) created_at: Timestamp,
    /// From then on it signs; it is published before.
    pub(crate) active_from: Timestamp,
    /// Known once it has a successor.
    pub(crate) published_until: Option<Timestamp>,
}

impl StoredKey {
    pub(crate) fn from_row(row: SigningKeyRow) -> Result<Self, CorruptRow> {
        let Some(algorithm) = SigningAlgorithm::from_name(&row.algorithm) else {
            return Err(CorruptRow::new("signing_keys", &row.kid));
        };

        Ok(Self {
            kid: row.kid,
            algorithm,
            sealed: row.private_key,
            created_at: Timestamp::from_millis(row.created_at),
            active_from: Timestamp::from_millis(row.active_from),
            published_until: row.published_until.map(Timestamp::from_millis),
        })
    }

    pub(crate) fn into_row(self) -> SigningKeyRow {
        SigningKeyRow {
            kid: self.kid,
            algorithm: self.algorithm.as_str().to_owned(),
            private_key: self.sealed,
            created_at: self.created_at.as_millis(),
            active_from: self.active_from.as_millis(),
            published_until: self.published_until.map(Timestamp::as_millis),
        }
    }
}
