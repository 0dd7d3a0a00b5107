//! Tokens and authorizations in the database.

use super::OAuthError;
use super::authorization::{AuthorizationStatus, DeviceCodeStatus};
use crate::ids::ProfileId;
use crate::store::journal::{
    AuthenticatorSuccess, CodeRedemption, DeviceCodeRedemption, Entry, Guard, Insert, Outcome,
    RefreshRotation,
};
use crate::store::queries::{authorizations, devices, events, tokens as queries};
use crate::store::rows::{
    AccessTokenRow, AssertionIdRow, AuthorizationRow, EventRow, GrantRow, IdBytes, LiveAccessToken,
    LiveRefreshToken, RefreshTokenRow,
};
use crate::store::{Batched, Store, StoreError};

/// Access tokens that are alive, by id.
pub(super) type LiveAccessTokens = Batched<IdBytes, LiveAccessToken>;
/// Families of refresh tokens that are alive, by id.
pub(super) type LiveRefreshTokens = Batched<IdBytes, LiveRefreshToken>;

pub(super) fn live_access_tokens(store: &Store) -> LiveAccessTokens {
    Batched::new(store.clone(), queries::find_live_access_tokens)
}

pub(super) fn live_refresh_tokens(store: &Store) -> LiveRefreshTokens {
    Batched::new(store.clone(), queries::find_live_refresh_tokens)
}

/// Uses up assertions; `false` when one was used before.
pub(super) async fn use_assertions(
    store: &Store,
    assertions: Vec<AssertionIdRow>,
) -> Result<bool, StoreError> {
    let entry = Entry {
        assertions,
        ..Entry::default()
    };
    Ok(store.commit(entry).await? == Outcome::Committed)
}

/// Uses up assertions and issues a client's own token for them; `false` when one was used before.
pub(super) async fn issue_own_token(
    store: &Store,
    assertions: Vec<AssertionIdRow>,
    token: AccessTokenRow,
    event: EventRow,
) -> Result<bool, StoreError> {
    let inserts = vec![
        Insert::AccessToken(Box::new(token)),
        Insert::Event(Box::new(event)),
    ];
    let entry = Entry {
        assertions,
        inserts,
        ..Entry::default()
    };
    Ok(store.commit(entry).await? == Outcome::Committed)
}

/// A code that was issued, and the profile of its user, if enrolled on the installation.
pub(super) struct FoundCode {
    pub(super) row: AuthorizationRow,
    pub(super) profile_id: Option<ProfileId>,
}

/// The authorization a code was issued for.
pub(super) async fn find_code(
    store: &Store,
    hash: [u8; 32],
) -> Result<Option<FoundCode>, StoreError> {
    store
        .read(move |connection| {
            let Some(row) = authorizations::find_authorization_by_code(connection, &hash)? else {
                return Ok(None);
            };
            let enrolment = match &row.user_id {
                Some(user) => devices::find_enrolment(connection, &row.client_id, user)?,
                None => None,
            };
            let profile_id = enrolment.and_then(|row| row.profile_id.parse().ok());
            Ok(Some(FoundCode { row, profile_id }))
        })
        .await
}

/// Makes a code useless.
pub(super) async fn burn_code(
    store: &Store,
    assertions: Vec<AssertionIdRow>,
    code: &AuthorizationRow,
) -> Result<(), StoreError> {
    let burnt = CodeRedemption {
        id: code.id.clone(),
        expected_status: AuthorizationStatus::CodeIssued.stored(),
        status: AuthorizationStatus::Burnt.stored(),
        grant_id: None,
    };
    let entry = Entry {
        assertions,
        guard: Some(Guard::from(burnt)),
        ..Entry::default()
    };
    // Whoever was faster has made it useless too.
    store.commit(entry).await.map(|_| ())
}

/// A code and what it is exchanged for.
pub(super) struct Login {
    pub(super) assertions: Vec<AssertionIdRow>,
    pub(super) code: AuthorizationRow,
    pub(super) grant: GrantRow,
    pub(super) refresh_token: Option<RefreshTokenRow>,
    pub(super) access_token: AccessTokenRow,
    pub(super) event: EventRow,
}

/// What became of a code.
pub(super) enum Redeemed {
    Issued,
    /// Somebody else was faster; the row as it is now.
    UsedBefore(Box<AuthorizationRow>),
    /// An assertion was used before.
    Replayed,
}

/// Exchanges a code.
pub(super) async fn redeem_code(store: &Store, login: Login) -> Result<Redeemed, StoreError> {
    let Login {
        assertions,
        code,
        grant,
        refresh_token,
        access_token,
        event,
    } = login;
    let guard = Some(redemption(&code, grant.id.clone()));
    let mut inserts = vec![Insert::Grant(Box::new(grant))];
    inserts.extend(refresh_token.map(Box::new).map(Insert::RefreshToken));
    inserts.extend([
        Insert::AccessToken(Box::new(access_token)),
        Insert::Event(Box::new(event)),
    ]);
    match store
        .commit(Entry {
            assertions,
            guard,
            inserts,
            ..Entry::default()
        })
        .await?
    {
        Outcome::Committed => Ok(Redeemed::Issued),
        Outcome::Replayed => Ok(Redeemed::Replayed),
        Outcome::Refused | Outcome::UserDisabled => {
            let hash = code.code_hash.clone().unwrap_or_default();
            let find = move |connection: &mut _| {
                authorizations::find_authorization_by_code(connection, &hash)
            };
            Ok(Redeemed::UsedBefore(Box::new(
                store.read(find).await?.unwrap_or(code),
            )))
        }
    }
}

/// That a code, or a device's, is exchanged for the first time.
fn redemption(code: &AuthorizationRow, grant: IdBytes) -> Guard {
    let id = code.id.clone();
    match code.device_code_id {
        Some(_) => Guard::from(DeviceCodeRedemption {
            id,
            expected_status: DeviceCodeStatus::Allowed.stored(),
            status: DeviceCodeStatus::Redeemed.stored(),
        }),
        None => Guard::from(CodeRedemption {
            id,
            expected_status: AuthorizationStatus::CodeIssued.stored(),
            status: AuthorizationStatus::Redeemed.stored(),
            grant_id: Some(grant),
        }),
    }
}

/// Ends a grant; nothing happens where it has ended before.
pub(super) async fn revoke_grant(
    store: &Store,
    grant: IdBytes,
    event: EventRow,
) -> Result<(), StoreError> {
    store
        .write(move |connection| {
            if queries::delete_grant(connection, &grant)? {
                events::insert_event(connection, &event)?;
            }
            Ok(())
        })
        .await
}

/// A refresh token that is used.
pub(super) struct Refresh {
    pub(super) assertions: Vec<AssertionIdRow>,
    /// None where the successor is there already.
    pub(super) rotation: Option<RefreshRotation>,
    pub(super) access_token: AccessTokenRow,
    pub(super) proven: Option<AuthenticatorSuccess>,
    pub(super) event: EventRow,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refreshed {
    Issued,
    /// Somebody else has used it since it was read, or it was revoked.
    Overtaken,
    /// An assertion was used before.
    Replayed,
}

/// Rotates and issues.
pub(super) async fn refresh(store: &Store, refresh: Refresh) -> Result<Refreshed, StoreError> {
    let Refresh {
        assertions,
        rotation,
        access_token,
        proven,
        event,
    } = refresh;
    let guard = rotation.map(Guard::from);
    let mut inserts = vec![
        Insert::AccessToken(Box::new(access_token)),
        Insert::Event(Box::new(event)),
    ];
    inserts.extend(proven.map(Box::new).map(Insert::AuthenticatorSuccess));
    Ok(
        match store
            .commit(Entry {
                assertions,
                guard,
                inserts,
                ..Entry::default()
            })
            .await?
        {
            Outcome::Committed => Refreshed::Issued,
            Outcome::Refused | Outcome::UserDisabled => Refreshed::Overtaken,
            Outcome::Replayed => Refreshed::Replayed,
        },
    )
}

/// Whether a family is still there after an access token was issued on it; if not, the token goes
/// too. The grant is locked meanwhile, as by whoever ends the family: one of the two sees what the
/// other did.
pub(super) async fn confirm_repetition(
    store: &Store,
    family: &RefreshTokenRow,
    access_token: &AccessTokenRow,
) -> Result<bool, StoreError> {
    let (family, grant) = (family.id.clone(), family.grant_id.clone());
    let access_token = access_token.id.clone();
    store
        .write(move |connection| {
            let alive = queries::lock_grant(connection, &grant)?
                && queries::find_refresh_token(connection, &family)?.is_some();
            if !alive {
                queries::delete_access_token(connection, &access_token)?;
            }
            Ok(alive)
        })
        .await
}

/// The grant's family of an authenticator: the one there is, or this one. `None` where the user has
/// not enrolled that authenticator on the device, or the grant has ended.
pub(super) async fn find_or_add_family(
    store: &Store,
    family: RefreshTokenRow,
    device: String,
    user: String,
) -> Result<Option<RefreshTokenRow>, OAuthError> {
    store
        .write(move |connection| {
            if devices::find_authenticator(connection, &device, &user, &family.authenticator)?
                .is_none()
                || !queries::lock_grant(connection, &family.grant_id)?
            {
                return Ok(None);
            }
            let (grant, authenticator) = (&family.grant_id, &family.authenticator);
            if let Some(present) =
                queries::find_refresh_token_of_grant(connection, grant, authenticator)?
            {
                return Ok(Some(present));
            }
            queries::insert_refresh_token(connection, &family)?;
            Ok(Some(family))
        })
        .await
}
