//! What portals show and remove, in the database. What is removed and its event are one database
//! transaction.

use crate::clock::Timestamp;
use crate::ids::UserId;
use crate::oauth::model::{Consent, GrantedToken};
use crate::store::queries::{authorizations, consents, device_codes, events, tokens};
use crate::store::rows::EventRow;
use crate::store::{Connection, QueryResult, Store, StoreError};

/// A user's tokens: at most `limit`, the oldest grants first.
pub(super) async fn list_tokens(
    store: &Store,
    user: &UserId,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<GrantedToken>, StoreError> {
    let user = user.clone();
    let list = move |connection: &mut Connection| {
        tokens::list_tokens_of_user(connection, user.as_str(), now.as_millis(), limit)
    };
    let rows = store.read(list).await?;

    let tokens = rows.into_iter().map(GrantedToken::from_row);
    Ok(tokens.collect::<Result<_, _>>()?)
}

/// What a user has consented to: at most `limit`, the oldest first.
pub(super) async fn list_consents(
    store: &Store,
    user: &UserId,
    limit: i64,
) -> Result<Vec<Consent>, StoreError> {
    let user = user.clone();
    let list = move |connection: &mut Connection| {
        consents::list_consents(connection, user.as_str(), &[], limit)
    };
    let rows = store.read(list).await?;

    let consents = rows.into_iter().map(Consent::from_row);
    Ok(consents.collect::<Result<_, _>>()?)
}

/// What became of a removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Removal {
    Removed,
    NotFound,
    /// It is another user's.
    Forbidden,
}

/// Ends the grant that an access token of a user rests on; `id` is the token's, or the grant's where
/// the portal was shown that. The event is what `event` makes of what became of it.
pub(super) async fn remove_token(
    store: &Store,
    user: &UserId,
    id: [u8; 16],
    event: impl Fn(Removal) -> EventRow + Send + Sync + 'static,
) -> Result<(), StoreError> {
    let user = user.clone();
    store
        .write_contended(move |connection| {
            let removal = remove_token_in(connection, user.as_str(), &id)?;
            Ok(events::insert_event(connection, &event(removal))?)
        })
        .await
}

fn remove_token_in(connection: &mut Connection, user: &str, id: &[u8]) -> QueryResult<Removal> {
    let (owner, grant) = match tokens::find_access_token(connection, id)? {
        Some(token) => (token.user_id, token.grant_id),
        None => match tokens::find_grant(connection, id)? {
            Some(grant) => (Some(grant.user_id), Some(grant.id)),
            None => return Ok(Removal::NotFound),
        },
    };

    match owner {
        Some(owner) if owner == user => {
            // A user's token always has a grant. No grant has the empty id.
            tokens::delete_grant(connection, &grant.unwrap_or_default())?;
            tokens::delete_access_token(connection, id)?;
            Ok(Removal::Removed)
        }
        Some(_) => Ok(Removal::Forbidden),
        // A client's own token is not any user's.
        None => Ok(Removal::NotFound),
    }
}

/// Takes back a consent, and ends what the party was issued for this user: a web client's, and
/// those of an application's devices.
pub(super) async fn remove_consent(
    store: &Store,
    user: &UserId,
    id: [u8; 16],
    event: impl Fn(Removal) -> EventRow + Send + Sync + 'static,
) -> Result<(), StoreError> {
    let user = user.clone();
    store
        .write_contended(move |connection| {
            let user = user.as_str();

            let removal = match consents::delete_consent(connection, user, &id)? {
                Some(party) => {
                    end_at_party(connection, user, &party)?;
                    Removal::Removed
                }
                None => Removal::NotFound,
            };

            Ok(events::insert_event(connection, &event(removal))?)
        })
        .await
}

/// Whether the party is a web client or an application, the consent does not say.
fn end_at_party(connection: &mut Connection, user: &str, party: &str) -> QueryResult<()> {
    authorizations::delete_authorizations_of_user_at_client(connection, user, party)?;
    authorizations::delete_authorizations_of_user_at_application(connection, user, party)?;
    device_codes::delete_device_codes_of_user_at_client(connection, user, party)?;
    tokens::delete_grants_of_user_at_client(connection, user, party)?;
    tokens::delete_grants_of_user_at_application(connection, user, party)?;

    Ok(())
}
