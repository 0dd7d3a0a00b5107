//! Codes, and what they are exchanged for.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::ids::{AuthorizationId, DeviceId, GrantId, ProfileId};
use crate::oauth::grants::approval::CodeId;
use crate::oauth::model::{Authorization, DeviceCode, Grant, RefreshFamily, UsedAssertions};
use crate::oauth::tokens::IssuedToken;
use crate::secret::TokenHash;
use crate::store::journal::{DeviceUse, Entry, Guard, Insert, Outcome};
use crate::store::queries::{authorizations, device_codes, devices, events, tokens as queries};
use crate::store::rows::EventRow;
use crate::store::{Connection, CorruptRow, Store, StoreError};

/// The authorization a code was issued for.
pub(crate) struct FoundCode {
    pub(crate) authorization: Authorization,
    /// Of its user, if enrolled on the device that is the client.
    pub(crate) profile_id: Option<ProfileId>,
}

pub(crate) async fn find_code(
    store: &Store,
    code: TokenHash,
) -> Result<Option<FoundCode>, StoreError> {
    // One read for both: the profile is part of the answer.
    let find = move |connection: &mut Connection| {
        let Some(row) = authorizations::find_authorization_by_code(connection, &code)? else {
            return Ok(None);
        };
        let enrolment = match &row.user_id {
            Some(user) => devices::find_enrolment(connection, &row.client_id, user)?,
            None => None,
        };
        Ok(Some((row, enrolment)))
    };

    let Some((row, enrolment)) = store.read(find).await? else {
        return Ok(None);
    };

    let profile_id = match enrolment {
        Some(row) => Some(
            ProfileId::try_from(row.profile_id)
                .map_err(|_| CorruptRow::new("enrolments", &row.device_id))?,
        ),
        None => None,
    };

    Ok(Some(FoundCode {
        authorization: Authorization::from_row(row)?,
        profile_id,
    }))
}

/// Makes a code useless. Nothing happens where that was done before.
pub(crate) async fn burn_code(
    store: &Store,
    used: UsedAssertions,
    id: AuthorizationId,
) -> Result<(), StoreError> {
    let entry = Entry {
        assertions: used.into_rows(),
        guard: Some(Authorization::redemption(id, None).into()),
        ..Entry::default()
    };

    // Refused where the code was redeemed or burnt meanwhile: then nothing is left to do.
    store.commit(entry).await.map(drop)
}

/// A code and what it is exchanged for.
pub(crate) struct Exchange<'a> {
    pub(crate) used: UsedAssertions,
    pub(crate) code: CodeId,
    pub(crate) grant: &'a Grant,
    pub(crate) family: Option<&'a RefreshFamily>,
    pub(crate) access_token: &'a IssuedToken,
    /// The device on which this is the first log-in.
    pub(crate) first_use_of: Option<&'a DeviceId>,
    pub(crate) event: EventRow,
}

/// What became of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exchanged {
    Issued,
    /// The code was used since it was read.
    UsedBefore,
    /// An assertion or a proof was used before.
    Replayed,
}

/// Exchanges a code.
pub(crate) async fn exchange(
    store: &Store,
    exchange: Exchange<'_>,
) -> Result<Exchanged, StoreError> {
    let grant_id = exchange.grant.id;
    let guard = match exchange.code {
        CodeId::Authorization(id) => {
            let until = exchange.grant.expires_at;
            Guard::from(Authorization::redemption(id, Some((grant_id, until))))
        }
        CodeId::Device(id) => Guard::from(DeviceCode::redemption(id)),
    };

    // The tokens name the grant, so it is written first.
    let mut inserts = vec![Insert::Grant(Box::new(exchange.grant.to_row()))];
    let family = exchange.family.map(RefreshFamily::to_row);
    inserts.extend(family.map(Box::new).map(Insert::RefreshToken));

    inserts.extend([
        Insert::AccessToken(Box::new(exchange.access_token.to_row())),
        Insert::Event(Box::new(exchange.event)),
    ]);

    inserts.extend(exchange.first_use_of.map(|device| {
        Insert::from(DeviceUse {
            id: device.to_string(),
        })
    }));

    let entry = Entry {
        assertions: exchange.used.into_rows(),
        guard: Some(guard),
        inserts,
        ..Entry::default()
    };

    Ok(match store.commit(entry).await? {
        Outcome::Committed => Exchanged::Issued,
        Outcome::Replayed => Exchanged::Replayed,
        Outcome::Refused
        | Outcome::UserDisabled
        | Outcome::TooMany { .. }
        | Outcome::TooManyFailures => Exchanged::UsedBefore,
    })
}

/// Ends a grant. Nothing happens where it has ended before.
pub(crate) async fn revoke_grant(
    store: &Store,
    grant: GrantId,
    event: EventRow,
) -> Result<(), StoreError> {
    store
        .write(move |connection| {
            // A code may come a third time; only the request that ends the grant is recorded.
            if queries::delete_grant(connection, grant.as_bytes())? {
                events::insert_event(connection, &event)?;
            }
            Ok(())
        })
        .await
}

/// What an appliance polls with.
pub(crate) async fn find_device_code(
    store: &Store,
    device_code: TokenHash,
) -> Result<Option<DeviceCode>, StoreError> {
    let row = store
        .read(move |connection| device_codes::find_device_code(connection, &device_code))
        .await?;
    Ok(row.map(DeviceCode::from_row).transpose()?)
}

/// Notes that an appliance has polled, and its interval from now on; `false` when it has polled
/// again since `code` was read.
pub(crate) async fn note_poll(
    store: &Store,
    code: &DeviceCode,
    now: Timestamp,
    interval: Duration,
) -> Result<bool, StoreError> {
    let entry = Entry {
        guard: Some(code.poll(now, interval).into()),
        ..Entry::default()
    };

    Ok(store.commit(entry).await? == Outcome::Committed)
}
