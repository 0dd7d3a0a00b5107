//! Tokens and authorizations in the database.

use super::OAuthError;
use super::authorization::{AuthorizationStatus, CodeVerdict, PresentedCode, decide_code};
use crate::clock::Timestamp;
use crate::ids::ProfileId;
use crate::secret::SecretString;
use crate::store::journal::{Entry, Guard, Insert, Outcome};
use crate::store::queries::{devices, events, tokens as queries};
use crate::store::rows::{AccessTokenRow, AssertionIdRow, AuthorizationRow, DeviceRow, EventRow};
use crate::store::{Connection, Store, StoreError, WriteError};

/// Uses up a client assertion; `false` when it was used before.
pub(super) async fn use_assertion(store: &Store, assertion: AssertionIdRow) -> Result<bool, StoreError> {
    let entry = Entry { guard: Guard::AssertionId(Box::new(assertion)), inserts: Vec::new() };
    Ok(store.commit(entry).await? == Outcome::Committed)
}

/// Uses up an assertion and issues a token for it; `false` when it was used before.
pub(super) async fn issue_device_token(
    store: &Store,
    assertion: AssertionIdRow,
    token: AccessTokenRow,
    event: EventRow,
) -> Result<bool, StoreError> {
    let entry = Entry {
        guard: Guard::AssertionId(Box::new(assertion)),
        inserts: vec![Insert::AccessToken(Box::new(token)), Insert::Event(Box::new(event))],
    };
    Ok(store.commit(entry).await? == Outcome::Committed)
}

/// An installation's token, and the installation.
pub(super) async fn find_access_token(
    store: &Store,
    hash: [u8; 32],
) -> Result<Option<(AccessTokenRow, DeviceRow)>, StoreError> {
    store.read(move |connection| queries::find_access_token(connection, &hash)).await
}

/// Adds an authorization that waits for the login page.
pub(super) async fn insert_authorization(store: &Store, row: AuthorizationRow) -> Result<(), StoreError> {
    store.write(move |connection| Ok(queries::insert_authorization(connection, &row)?)).await
}

/// The authorization the login page was called for.
pub(super) async fn find_authorization(store: &Store, hash: [u8; 32]) -> Result<Option<AuthorizationRow>, StoreError> {
    store.read(move |connection| queries::find_authorization_by_challenge(connection, &hash)).await
}

/// Saves what the login page said; `false` when it has spoken before.
pub(super) async fn finish_login(
    store: &Store,
    row: AuthorizationRow,
    event: Option<EventRow>,
) -> Result<bool, StoreError> {
    store
        .write(move |connection| {
            let first = queries::update_authorization(connection, &row, AuthorizationStatus::WaitingForLogin.stored())?;
            if let Some(event) = event.filter(|_| first) {
                events::insert_event(connection, &event)?;
            }
            Ok(first)
        })
        .await
}

/// A code presented by a client that has authenticated, and the token it is to become.
pub(super) struct Redemption {
    pub(super) assertion: AssertionIdRow,
    pub(super) code_hash: [u8; 32],
    pub(super) redirect_uri: String,
    pub(super) code_verifier: SecretString,
    pub(super) token: AccessTokenRow,
    pub(super) event: EventRow,
    pub(super) now: Timestamp,
}

/// Exchanges a code for a token and tells the user's profile, if enrolled. `None`: the code was of no use. That is committed
/// too, with the assertion used up, the code burnt, or the token revoked that was issued for it before.
pub(super) async fn redeem_code(
    store: &Store,
    redemption: Redemption,
) -> Result<Option<Option<ProfileId>>, OAuthError> {
    store
        .write(move |connection| {
            if !queries::insert_assertion_id(connection, &redemption.assertion)? {
                return Err(WriteError::Refused(OAuthError::InvalidClient));
            }
            redeem(connection, redemption)
        })
        .await
}

fn redeem(
    connection: &mut Connection,
    redemption: Redemption,
) -> Result<Option<Option<ProfileId>>, WriteError<OAuthError>> {
    let Some(row) = queries::find_authorization_by_code(connection, &redemption.code_hash)? else { return Ok(None) };
    let presented = PresentedCode {
        client_id: &redemption.token.client_id,
        redirect_uri: &redemption.redirect_uri,
        code_verifier: redemption.code_verifier.expose(),
    };
    let next = match decide_code(&row, &presented, redemption.now) {
        CodeVerdict::Redeem => AuthorizationStatus::Redeemed,
        CodeVerdict::Burn => AuthorizationStatus::Burnt,
        CodeVerdict::Revoke => return revoke_issued(connection, &redemption.code_hash),
        CodeVerdict::Refuse => return Ok(None),
    };
    let issues = next == AuthorizationStatus::Redeemed;
    let token_hash = issues.then(|| redemption.token.token_hash.clone());
    let updated = AuthorizationRow { status: next.stored(), token_hash, ..row };
    if !queries::update_authorization(connection, &updated, AuthorizationStatus::CodeIssued.stored())? {
        // Somebody else presented it since it was read: this is the second use.
        return revoke_issued(connection, &redemption.code_hash);
    }
    if !issues {
        return Ok(None);
    }
    issue_user_token(connection, redemption, updated.user_id).map(Some)
}

fn issue_user_token(
    connection: &mut Connection,
    redemption: Redemption,
    user: Option<String>,
) -> Result<Option<ProfileId>, WriteError<OAuthError>> {
    let event = EventRow { user_id: user.clone(), ..redemption.event };
    let token = AccessTokenRow { user_id: user, ..redemption.token };
    queries::insert_access_token(connection, &token)?;
    events::insert_event(connection, &event)?;
    let Some(user) = &token.user_id else { return Ok(None) };
    let enrolment = devices::find_enrolment(connection, &token.client_id, user)?;
    Ok(enrolment.and_then(|row| row.profile_id.parse().ok()))
}

/// Takes back what a code was exchanged for, because it came a second time.
fn revoke_issued<T>(connection: &mut Connection, code_hash: &[u8]) -> Result<Option<T>, WriteError<OAuthError>> {
    let row = queries::find_authorization_by_code(connection, code_hash)?;
    if let Some(token_hash) = row.and_then(|row| row.token_hash) {
        queries::delete_access_token(connection, &token_hash)?;
    }
    Ok(None)
}
