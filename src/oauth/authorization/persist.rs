//! Authorizations, consents, remembered logins, pushed requests and waiting devices in the
//! database.

use super::consent;
use super::page::PageRequestError;
use super::state::AuthorizationStatus;
use crate::store::journal::{AuthorizationStep, Entry, Guard, Insert, Outcome};
use crate::store::queries::{
    authorizations, consents, device_codes, events, login_sessions, pushed_requests, users,
};
use crate::store::rows::{
    AuthorizationRow, ConsentRow, DeviceCodeAnswer, DeviceCodeRow, EventRow, LoginSessionRow,
    PushedRequestRow,
};
use crate::store::{Connection, Store, StoreError, WriteError};

/// The authorization that a challenge or verifier was made for.
pub(super) async fn find_authorization(
    store: &Store,
    hash: [u8; 32],
) -> Result<Option<AuthorizationRow>, StoreError> {
    store
        .read(move |connection| authorizations::find_authorization_by_challenge(connection, &hash))
        .await
}

/// A consent that is given, and is to be remembered.
pub(super) struct ConsentGiven {
    /// What it is given for, and to whom.
    pub(super) row: ConsentRow,
    /// What the user was asked for: what of it was not given is taken back.
    pub(super) asked: String,
}

/// A remembered login, in place of another.
pub(super) struct NewSession {
    pub(super) row: LoginSessionRow,
    /// The hash of the one the browser had.
    pub(super) replaces: Option<[u8; 32]>,
}

/// A step, with all that comes with it.
#[derive(Default)]
pub(super) struct Saving {
    pub(super) row: AuthorizationRow,
    /// Where the step began; none for an authorization that is new.
    pub(super) from: Option<AuthorizationStatus>,
    pub(super) events: Vec<EventRow>,
    pub(super) consent: Option<ConsentGiven>,
    pub(super) session: Option<NewSession>,
    pub(super) device: Option<DeviceCodeAnswer>,
}

/// Saves a step, whole or not at all. A user who is disabled does not get any further.
pub(super) async fn save(store: &Store, saving: Saving) -> Result<(), PageRequestError> {
    if saving.consent.is_some() || saving.session.is_some() || saving.device.is_some() {
        return store
            .write(move |connection| save_in(connection, &saving))
            .await;
    }
    commit(store, saving).await
}

impl Saving {
    /// Who gets further with it.
    fn user(&self) -> Option<&str> {
        let goes_on = self.row.status != AuthorizationStatus::Rejected.stored();
        self.row.user_id.as_deref().filter(|_| goes_on)
    }
}

/// The way of nearly all steps: they share their commits.
async fn commit(store: &Store, saving: Saving) -> Result<(), PageRequestError> {
    let user = saving.user().map(str::to_owned);
    let events = saving.events.into_iter().map(Box::new).map(Insert::Event);
    let (guard, row) = match saving.from {
        None => (None, Some(Insert::Authorization(Box::new(saving.row)))),
        Some(from) => {
            let step = AuthorizationStep::new(from.stored(), saving.row);
            (Some(Guard::from(step)), None)
        }
    };
    let inserts = row.into_iter().chain(events).collect();
    match store
        .commit(Entry {
            user,
            assertions: Vec::new(),
            guard,
            inserts,
        })
        .await?
    {
        Outcome::Committed => Ok(()),
        Outcome::Refused | Outcome::Replayed => Err(PageRequestError::AlreadyAnswered),
        Outcome::UserDisabled => Err(PageRequestError::UserDisabled),
    }
}

fn save_in(
    connection: &mut Connection,
    saving: &Saving,
) -> Result<(), WriteError<PageRequestError>> {
    let row = &saving.row;
    if let Some(user) = saving.user()
        && users::is_user_disabled(connection, user)?
    {
        return Err(WriteError::Refused(PageRequestError::UserDisabled));
    }
    let first = match saving.from {
        None => authorizations::insert_authorization(connection, row).map(|()| true)?,
        Some(from) => {
            let step = AuthorizationStep::new(from.stored(), row.clone());
            authorizations::step_authorization(connection, &step)?
        }
    };
    let first = match &saving.device {
        Some(answer) => first && device_codes::answer_device_code(connection, answer)?,
        None => first,
    };
    if !first {
        return Err(WriteError::Refused(PageRequestError::AlreadyAnswered));
    }
    if let Some(given) = &saving.consent {
        remember_consent(connection, given)?;
    }
    if let Some(session) = &saving.session {
        if let Some(hash) = &session.replaces {
            login_sessions::delete_login_session(connection, hash)?;
        }
        login_sessions::insert_login_session(connection, &session.row)?;
    }
    for event in &saving.events {
        events::insert_event(connection, event)?;
    }
    Ok(())
}

fn remember_consent(
    connection: &mut Connection,
    given: &ConsentGiven,
) -> Result<(), WriteError<PageRequestError>> {
    let row = &given.row;
    let before = consents::find_consent(connection, &row.user_id, &row.client)?;
    let before = before.map(|before| before.scope).unwrap_or_default();
    let scope = consent::remembered(&before, &given.asked, &row.scope);
    Ok(consents::replace_consent(
        connection,
        &ConsentRow {
            scope,
            ..row.clone()
        },
    )?)
}

/// What a user has allowed a web client or an application.
pub(super) async fn find_consent(
    store: &Store,
    user: String,
    client: String,
) -> Result<Option<ConsentRow>, StoreError> {
    store
        .read(move |connection| consents::find_consent(connection, &user, &client))
        .await
}

/// The login a browser remembers.
pub(super) async fn find_session(
    store: &Store,
    hash: [u8; 32],
) -> Result<Option<LoginSessionRow>, StoreError> {
    store
        .read(move |connection| login_sessions::find_login_session(connection, &hash))
        .await
}

/// Keeps a request until the browser comes with it.
pub(super) async fn push_request(store: &Store, row: PushedRequestRow) -> Result<(), StoreError> {
    store
        .write(move |connection| Ok(pushed_requests::insert_pushed_request(connection, &row)?))
        .await
}

/// Takes out what this client has pushed.
pub(super) async fn take_pushed_request(
    store: &Store,
    hash: [u8; 32],
    client: String,
) -> Result<Option<PushedRequestRow>, StoreError> {
    store
        .write(move |connection| {
            Ok(pushed_requests::take_pushed_request(
                connection, &hash, &client,
            )?)
        })
        .await
}

/// Adds a device that waits; `false` when its user code is taken.
pub(super) async fn add_device_code(store: &Store, row: DeviceCodeRow) -> Result<bool, StoreError> {
    store
        .write(move |connection| Ok(device_codes::insert_device_code(connection, &row)?))
        .await
}

/// The device that has this code.
pub(in crate::oauth) async fn find_device_code(
    store: &Store,
    hash: [u8; 32],
) -> Result<Option<DeviceCodeRow>, StoreError> {
    store
        .read(move |connection| device_codes::find_device_code(connection, &hash))
        .await
}

/// The device that shows this code to its user.
pub(super) async fn find_device_of_user_code(
    store: &Store,
    hash: [u8; 32],
) -> Result<Option<DeviceCodeRow>, StoreError> {
    store
        .read(move |connection| device_codes::find_device_code_of_user_code(connection, &hash))
        .await
}

/// Notes that a device has asked, and how long it has to wait from now on; `false` when it has
/// asked once more meanwhile.
pub(in crate::oauth) async fn note_poll(
    store: &Store,
    row: DeviceCodeRow,
    polled_at: i64,
    interval: i32,
) -> Result<bool, StoreError> {
    store
        .write(move |connection| {
            Ok(device_codes::note_poll(
                connection, &row, polled_at, interval,
            )?)
        })
        .await
}
