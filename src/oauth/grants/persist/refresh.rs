//! Refresh tokens, and clients' own tokens.

use crate::ids::AccessTokenId;
use crate::oauth::model::{Grant, RefreshFamily, UsedAssertions};
use crate::oauth::tokens::IssuedToken;
use crate::store::journal::{Entry, Guard, Insert, Outcome};
use crate::store::queries::{devices, tokens as queries};
use crate::store::rows::EventRow;
use crate::store::{Store, StoreError, WriteError};

/// Issues a token without a refresh token; `false` when an assertion or proof was used before.
pub(crate) async fn issue_without_refresh(
    store: &Store,
    used: UsedAssertions,
    access_token: &IssuedToken,
    event: EventRow,
) -> Result<bool, StoreError> {
    let entry = Entry {
        assertions: used.into_rows(),
        inserts: vec![
            Insert::AccessToken(Box::new(access_token.to_row())),
            Insert::Event(Box::new(event)),
        ],
        ..Entry::default()
    };

    Ok(store.commit(entry).await? == Outcome::Committed)
}

/// A refresh token that is used.
pub(crate) struct Refresh<'a> {
    pub(crate) used: UsedAssertions,
    /// As it was presented, with the proof of its authenticator.
    pub(crate) family: &'a RefreshFamily,
    /// The family after its rotation; `None` where it stays as it is.
    pub(crate) successor: Option<&'a RefreshFamily>,
    pub(crate) grant: &'a Grant,
    pub(crate) access_token: &'a IssuedToken,
    pub(crate) event: EventRow,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refreshed {
    Issued,
    /// Another request has used the token since it was read, or it was revoked.
    Overtaken,
    /// An assertion or a proof was used before.
    Replayed,
}

/// Rotates a family and issues an access token. The failures of the family's authenticator are
/// forgotten.
pub(crate) async fn refresh(store: &Store, refresh: Refresh<'_>) -> Result<Refreshed, StoreError> {
    let Refresh {
        used,
        family,
        successor,
        grant,
        access_token,
        event,
    } = refresh;

    // A repetition changes nothing that could be guarded: `confirm_repetition` looks afterwards.
    let guard = successor.map(|successor| Guard::from(family.rotation_to(successor)));

    let mut inserts = vec![
        Insert::AccessToken(Box::new(access_token.to_row())),
        Insert::Event(Box::new(event)),
    ];

    let proven = family.authenticator_success(grant);
    inserts.extend(proven.map(Box::new).map(Insert::AuthenticatorSuccess));

    let entry = Entry {
        assertions: used.into_rows(),
        guard,
        inserts,
        ..Entry::default()
    };

    Ok(match store.commit(entry).await? {
        Outcome::Committed => Refreshed::Issued,
        Outcome::Refused
        | Outcome::UserDisabled
        | Outcome::TooMany { .. }
        | Outcome::TooManyFailures => Refreshed::Overtaken,
        Outcome::Replayed => Refreshed::Replayed,
    })
}

/// Whether a family still exists after an access token was issued on it without a rotation; if not,
/// the token is removed too.
///
/// The grant is locked meanwhile, as by whoever ends the family: one of the two sees what the other
/// did.
pub(crate) async fn confirm_repetition(
    store: &Store,
    family: &RefreshFamily,
    access_token: AccessTokenId,
) -> Result<bool, StoreError> {
    let (family, grant) = (family.id, family.grant_id);

    store
        .write(move |connection| {
            let exists = queries::lock_grant(connection, grant.as_bytes())?
                && queries::find_refresh_token(connection, family.as_bytes())?.is_some();
            if !exists {
                queries::delete_access_token(connection, access_token.as_bytes())?;
            }

            Ok(exists)
        })
        .await
}

/// The grant's family of the same authenticator as `family`: the one that exists, or this one.
/// `None` where the user has not enrolled that authenticator, or the grant has ended.
pub(crate) async fn find_or_add_family(
    store: &Store,
    family: RefreshFamily,
    grant: &Grant,
) -> Result<Option<RefreshFamily>, StoreError> {
    let row = family.to_row();
    let (device, user) = (grant.client.id.clone(), grant.login.user_id.clone());
    let row = store
        .write(move |connection| {
            let name = row.authenticator.as_str();
            let is_enrolled =
                devices::find_authenticator(connection, &device, user.as_str(), name)?.is_some();

            // The lock keeps the grant from ending, and others from adding the same family.
            if !is_enrolled || !queries::lock_grant(connection, &row.grant_id)? {
                return Ok(None);
            }

            let found = queries::find_refresh_token_of_grant(connection, &row.grant_id, name)?;
            if found.is_some() {
                return Ok(found);
            }

            queries::insert_refresh_token(connection, &row)?;

            Ok::<_, WriteError<StoreError>>(Some(row))
        })
        .await?;

    Ok(row.map(RefreshFamily::from_row).transpose()?)
}
