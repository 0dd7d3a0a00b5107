//! Revocation in the database. What ends and its event are one database transaction.

use crate::ids::{AccessTokenId, ApplicationId, ClientId, DeviceId, RefreshFamilyId};
use crate::oauth::model::RefreshFamily;
use crate::store::queries::tokens::epoch_kind;
use crate::store::queries::{authorizations, device_codes, events, tokens};
use crate::store::rows::EventRow;
use crate::store::{Store, StoreError};

/// Whom tokens are issued to.
#[derive(Clone, Debug)]
pub(super) enum Party {
    WebClient(ClientId),
    /// All devices of an application.
    Application(ApplicationId),
    /// One device.
    Device(DeviceId),
}

/// Ends an access token, if it is this client's.
pub(super) async fn revoke_access_token(
    store: &Store,
    id: AccessTokenId,
    client: &str,
    event: EventRow,
) -> Result<(), StoreError> {
    let client = client.to_owned();
    store
        .write(move |connection| {
            let Some(row) = tokens::find_access_token(connection, id.as_bytes())? else {
                return Ok(());
            };
            // RFC 7009 §2.1: it is left alone. The answer is the same, so that nobody finds out
            // what tokens others have.
            if row.client_id != client {
                return Ok(());
            }

            tokens::delete_access_token(connection, id.as_bytes())?;

            let event = EventRow {
                user_id: row.user_id,
                ..event
            };
            Ok(events::insert_event(connection, &event)?)
        })
        .await
}

/// Ends a family of refresh tokens, if it is this client's, or its grant: see [`ends_grant`].
pub(super) async fn revoke_refresh_token(
    store: &Store,
    id: RefreshFamilyId,
    client: &str,
    event: EventRow,
) -> Result<(), StoreError> {
    let client = client.to_owned();
    store
        .write_contended(move |connection| {
            let found = tokens::find_refresh_token(connection, id.as_bytes())?;
            let Some((family, grant)) = found.filter(|(_, grant)| grant.client_id == client) else {
                return Ok(());
            };
            let family = RefreshFamily::from_row(family)?;

            // From here on nobody else adds a family to the grant or ends one.
            if !tokens::lock_grant(connection, &grant.id)? {
                return Ok(());
            }

            let families = tokens::count_refresh_tokens_of_grant(connection, &grant.id)?;
            if ends_grant(&family, families) {
                tokens::delete_grant(connection, &grant.id)?;
            } else {
                // The family comes first: a refresh that is under way has stored its access token
                // by the time that those are deleted.
                tokens::delete_refresh_token(connection, id.as_bytes())?;
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

/// Whether the end of a family of refresh tokens is the end of its grant: of the one that no
/// authenticator protects, and of the only one.
fn ends_grant(family: &RefreshFamily, families: i64) -> bool {
    family.authenticator.is_none() || families <= 1
}

/// Ends everything that was issued to a client.
pub(super) async fn revoke_party(
    store: &Store,
    party: Party,
    event: EventRow,
) -> Result<(), StoreError> {
    store
        .write_contended(move |connection| {
            // Codes first: one that is being exchanged has become a grant when those are ended.
            match &party {
                Party::WebClient(id) => {
                    let id = id.as_str();
                    authorizations::delete_authorizations_of_client(connection, id)?;
                    device_codes::delete_device_codes_of_client(connection, id)?;
                    tokens::raise_epoch(connection, epoch_kind::CLIENT, id)?;
                }
                Party::Application(id) => {
                    let id = id.as_str();
                    authorizations::delete_authorizations_of_application(connection, id)?;
                    tokens::raise_epoch(connection, epoch_kind::APPLICATION, id)?;
                }
                Party::Device(id) => {
                    let id = id.as_str();
                    authorizations::delete_authorizations_of_client(connection, id)?;
                    tokens::delete_grants_of_client(connection, id)?;
                    tokens::delete_own_tokens_of_device(connection, id)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::ids::GrantId;

    #[test]
    fn a_family_beside_others_ends_alone_unless_no_authenticator_protects_it() {
        let family = |authenticator: &str| RefreshFamily {
            id: RefreshFamilyId::from_bytes([1; 16]),
            grant_id: GrantId::from_bytes([2; 16]),
            authenticator: authenticator.parse().ok(),
            jkt: None,
            generation: 0,
            issued_at: Timestamp::from_millis(0),
            expires_at: Timestamp::from_millis(0),
        };

        for (authenticator, families, expected) in [
            ("default", 1, true),
            ("default", 3, true),
            ("pin", 1, true),
            ("pin", 2, false),
            ("fingerprint", 2, false),
            ("custom:default", 2, false),
        ] {
            assert_eq!(
                ends_grant(&family(authenticator), families),
                expected,
                "{authenticator} of {families}"
            );
        }
    }
}
