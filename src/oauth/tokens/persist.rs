//! Tokens in the database, found by their ids.

use crate::ids::{AccessTokenId, RefreshFamilyId};
use crate::oauth::model::{LiveAccessToken, LiveRefreshFamily};
use crate::store::queries::tokens as queries;
use crate::store::rows::{
    IdBytes, LiveAccessToken as AccessTokenRow, LiveRefreshToken as RefreshTokenRow,
};
use crate::store::{Batched, Store, StoreError};

/// Tokens that were not revoked. The reads that wait at the same moment share one query.
pub(super) struct Tokens {
    access: Batched<IdBytes, AccessTokenRow>,
    refresh: Batched<IdBytes, RefreshTokenRow>,
}

impl Tokens {
    pub(super) fn new(store: &Store) -> Self {
        Self {
            access: Batched::new(store.clone(), queries::find_live_access_tokens),
            refresh: Batched::new(store.clone(), queries::find_live_refresh_tokens),
        }
    }

    pub(super) async fn find_access_token(
        &self,
        id: AccessTokenId,
    ) -> Result<Option<LiveAccessToken>, StoreError> {
        let row = self.access.find(id.to_column()).await?;
        Ok(row.map(LiveAccessToken::from_row).transpose()?)
    }

    pub(super) async fn find_refresh_family(
        &self,
        id: RefreshFamilyId,
    ) -> Result<Option<LiveRefreshFamily>, StoreError> {
        let row = self.refresh.find(id.to_column()).await?;
        Ok(row.map(LiveRefreshFamily::from_row).transpose()?)
    }
}
