//! Revocation in the database. Each reach and its event are one database transaction.

use super::ends_grant;
use super::reach::Party;
use crate::store::queries::tokens::epoch_kind;
use crate::store::queries::{authorizations, consents, device_codes, events, tokens};
use crate::store::rows::{ConsentRow, EventRow, IdBytes, PortalTokenRow};
use crate::store::{Connection, QueryResult, Store, StoreError};

/// Ends an access token, if it is this client's.
pub(super) async fn revoke_access_token(
    store: &Store,
    id: IdBytes,
    client: &str,
    event: EventRow,
) -> Result<(), StoreError> {
    let client = client.to_owned();
    store
        .write(move |connection| {
            let found = tokens::find_access_token(connection, &id)?;
            if let Some(row) = found.filter(|row| row.client_id == client) {
                tokens::delete_access_token(connection, &row.id)?;
                events::insert_event(
                    connection,
                    &EventRow {
                        user_id: row.user_id,
                        ..event
                    },
                )?;
            }
            Ok(())
        })
        .await
}

/// Ends a family of refresh tokens, if it is this client's, and with it what the rule says.
pub(super) async fn revoke_refresh_token(
    store: &Store,
    family: [u8; 16],
    client: &str,
    event: EventRow,
) -> Result<(), StoreError> {
    let client = client.to_owned();
    store
        .write_contended(move |connection| {
            let found = tokens::find_refresh_token(connection, &family)?;
            let Some((family, grant)) = found.filter(|(_, grant)| grant.client_id == client) else {
                return Ok(());
            };
            // From here on nobody else adds a family to it or ends one.
            if !tokens::lock_grant(connection, &grant.id)? {
                return Ok(());
            }
            if ends_grant(
                &family.authenticator,
                tokens::count_refresh_tokens_of_grant(connection, &grant.id)?,
            ) {
                tokens::delete_grant(connection, &grant.id)?;
            } else {
                // The family first: what is being refreshed has its access token there when those
                // are deleted.
                tokens::delete_refresh_token(connection, &family.id)?;
                tokens::delete_access_tokens_of_grant(connection, &grant)?;
            }
            let event = EventRow {
                user_id: Some(grant.user_id),
                ..event.clone()
            };
            Ok(events::insert_event(connection, &event)?)
        })
        .await
}

/// Ends everything that was issued to a client.
pub(super) async fn revoke_party(
    store: &Store,
    party: Party,
    event: EventRow,
) -> Result<(), StoreError> {
    store
        .write_contended(move |connection| {
            match &party {
                Party::WebClient(id) => {
                    authorizations::delete_authorizations_of_client(connection, id.as_str())?;
                    device_codes::delete_device_codes_of_client(connection, id.as_str())?;
                    tokens::raise_epoch(connection, epoch_kind::CLIENT, id.as_str())?;
                }
                Party::Application(id) => {
                    authorizations::delete_authorizations_of_application(connection, id.as_str())?;
                    tokens::raise_epoch(connection, epoch_kind::APPLICATION, id.as_str())?;
                }
                Party::Installation(id) => {
                    authorizations::delete_authorizations_of_client(connection, id.as_str())?;
                    tokens::delete_grants_of_client(connection, id.as_str())?;
                    tokens::delete_own_tokens_of_device(connection, id.as_str())?;
                }
            }
            Ok(events::insert_event(connection, &event)?)
        })
        .await
}

/// Ends everything that was issued for a resource server.
pub(super) async fn revoke_resource_server(
    store: &Store,
    id: String,
    event: EventRow,
) -> Result<(), StoreError> {
    store
        .write_contended(move |connection| {
            tokens::raise_epoch(connection, epoch_kind::RESOURCE_SERVER, &id)?;
            Ok(events::insert_event(connection, &event)?)
        })
        .await
}

/// What a portal shows of a user's tokens: at most `limit`, the oldest grants first.
pub(super) async fn list_tokens(
    store: &Store,
    user: &str,
    now: i64,
    limit: i64,
) -> Result<Vec<PortalTokenRow>, StoreError> {
    let user = user.to_owned();
    store
        .read(move |connection| tokens::list_tokens_of_user(connection, &user, now, limit))
        .await
}

/// What a user has consented to: at most `limit`, the oldest first.
pub(super) async fn list_consents(
    store: &Store,
    user: &str,
    limit: i64,
) -> Result<Vec<ConsentRow>, StoreError> {
    let user = user.to_owned();
    store
        .read(move |connection| consents::list_consents(connection, &user, &[], limit))
        .await
}

/// What became of the wish to remove something of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Removal {
    Removed,
    NotFound,
    /// It is another user's.
    Forbidden,
}

/// Ends the grant behind an access token of a user, or behind the id a portal was shown in its
/// place. The event is what `event` says of what became of it.
pub(super) async fn remove_token(
    store: &Store,
    user: &str,
    id: [u8; 16],
    event: impl Fn(Removal) -> EventRow + Send + Sync + 'static,
) -> Result<(), StoreError> {
    let user = user.to_owned();
    store
        .write_contended(move |connection| {
            let removal = remove_token_of(connection, &user, &id)?;
            Ok(events::insert_event(connection, &event(removal))?)
        })
        .await
}

fn remove_token_of(connection: &mut Connection, user: &str, id: &[u8]) -> QueryResult<Removal> {
    let token = tokens::find_access_token(connection, id)?;
    let (owner, grant) = match token {
        Some(token) => (token.user_id, token.grant_id),
        None => match tokens::find_grant(connection, id)? {
            Some(grant) => (Some(grant.user_id), Some(grant.id)),
            None => return Ok(Removal::NotFound),
        },
    };
    match owner {
        Some(owner) if owner == user => {
            tokens::delete_grant(connection, &grant.unwrap_or_default())?;
            tokens::delete_access_token(connection, id)?;
            Ok(Removal::Removed)
        }
        Some(_) => Ok(Removal::Forbidden),
        None => Ok(Removal::NotFound),
    }
}

/// Takes a consent back, and ends what the party was issued for this user: a web client's, and
/// those of an application's installations.
pub(super) async fn remove_consent(
    store: &Store,
    user: &str,
    id: [u8; 16],
    event: impl Fn(Removal) -> EventRow + Send + Sync + 'static,
) -> Result<(), StoreError> {
    let user = user.to_owned();
    store
        .write_contended(move |connection| {
            let removal = match consents::delete_consent(connection, &user, &id)? {
                Some(party) => {
                    authorizations::delete_authorizations_of_user_at_client(
                        connection, &user, &party,
                    )?;
                    authorizations::delete_authorizations_of_user_at_application(
                        connection, &user, &party,
                    )?;
                    device_codes::delete_device_codes_of_user_at_client(connection, &user, &party)?;
                    tokens::delete_grants_of_user_at_client(connection, &user, &party)?;
                    tokens::delete_grants_of_user_at_application(connection, &user, &party)?;
                    Removal::Removed
                }
                None => Removal::NotFound,
            };
            Ok(events::insert_event(connection, &event(removal))?)
        })
        .await
}
