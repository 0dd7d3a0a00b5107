//! Tokens in the database, found by their ids.

use crate::clock::Timestamp;
use crate::devices::AuthenticatorName;
use crate::ids::{AccessTokenId, GrantId, RefreshFamilyId};
use crate::oauth::model::{LiveAccessToken, LiveRefreshFamily};
use crate::store::queries::tokens as queries;
use crate::store::rows::{
    IdBytes, LiveAccessToken as AccessTokenRow, LiveRefreshToken as RefreshTokenRow,
};
use crate::store::{Batched, Connection, Store, StoreError};

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

/// When the PIN was last proved under a grant, to use a refresh token that it protects.
pub(super) async fn last_use_with_pin(
    store: &Store,
    grant: GrantId,
) -> Result<Option<Timestamp>, StoreError> {
    let pin = AuthenticatorName::Pin.to_string();
    let find = move |connection: &mut Connection| {
        queries::find_refresh_token_of_grant(connection, &grant.to_column(), &pin)
    };
    let family = store.read(find).await?;

    // The first token of a family was given out without a proof.
    let used = family.filter(|family| family.generation > 0);
    Ok(used.map(|family| Timestamp::from_millis(family.issued_at)))
}
