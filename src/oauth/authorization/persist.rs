//! Authorizations, consents, remembered logins, pushed requests and device codes in the database.

use crate::clock::Timestamp;
use crate::ids::{AuthorizationId, LoginSessionId, UserId};
use crate::oauth::clients::Client;
use crate::oauth::model::{
    ApplianceAnswer, Authorization, AuthorizationState, Consent, DeviceCode, LoginSession,
    PushedRequest,
};
use crate::secret::TokenHash;
use crate::store::journal::{AuthorizationStep, Entry, Guard, Insert, Outcome};
use crate::store::queries::{
    authorizations, callbacks, consents, device_codes, events, login_sessions, pushed_requests,
    users,
};
use crate::store::rows::{AuthorizationRow, CallbackRow, EventRow};
use crate::store::{Connection, QueryResult, Store, StoreError, WriteError};

/// The authorization that a challenge or verifier was handed out for.
pub(super) async fn find_authorization(
    store: &Store,
    challenge: TokenHash,
) -> Result<Option<Authorization>, StoreError> {
    let find = move |connection: &mut Connection| {
        authorizations::find_authorization_by_challenge(connection, &challenge)
    };
    let row = store.read(find).await?;

    Ok(row.map(Authorization::from_row).transpose()?)
}

/// The authorization of this id.
pub(super) async fn find_authorization_by_id(
    store: &Store,
    id: AuthorizationId,
) -> Result<Option<Authorization>, StoreError> {
    let find = move |connection: &mut Connection| {
        authorizations::find_authorization(connection, &id.to_column())
    };
    let row = store.read(find).await?;

    Ok(row.map(Authorization::from_row).transpose()?)
}

/// What is saved along with a step of an authorization.
#[derive(Default)]
pub(super) struct Alongside {
    pub(super) events: Vec<EventRow>,
    pub(super) consent: Option<GivenConsent>,
    pub(super) session: Option<NewSession>,
    pub(super) told: Option<Told>,
    pub(super) appliance: Option<ApplianceAnswer>,
}

impl Alongside {
    fn is_events_only(&self) -> bool {
        self.consent.is_none()
            && self.session.is_none()
            && self.told.is_none()
            && self.appliance.is_none()
    }
}

/// A client that is to be told when a remembered login ends.
pub(super) struct Told {
    session: LoginSessionId,
    client_id: String,
    /// The session does not last longer.
    expires_at: Timestamp,
}

impl Told {
    /// `None` where the client does not want to know.
    pub(super) fn of(client: &Client, session: &LoginSession) -> Option<Self> {
        client.backchannel_logout_uri()?;

        Some(Self {
            session: session.id,
            client_id: client.id().to_owned(),
            expires_at: session.expires_at,
        })
    }
}

/// A consent to be remembered.
pub(super) struct GivenConsent {
    pub(super) consent: Consent,
    /// The scopes the user was asked for.
    pub(super) asked: String,
}

/// A remembered login, by the hashes of the browser's cookies.
pub(super) struct NewSession {
    pub(super) session: LoginSession,
    pub(super) hash: TokenHash,
    /// The session that the browser had before.
    pub(super) replaces: Option<TokenHash>,
}

/// Why a step was not saved. Nothing was written.
pub(super) enum NotSaved {
    /// The authorization, or the appliance's code, is not where the step began any more.
    AlreadyAnswered,
    UserDisabled,
    Store(StoreError),
}

impl From<StoreError> for NotSaved {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Saves a step, whole or not at all: the authorization as it is `next`, and what comes along.
/// Where there is none `before`, the authorization begins.
pub(super) async fn save(
    store: &Store,
    before: Option<&Authorization>,
    next: Authorization,
    alongside: Alongside,
) -> Result<(), NotSaved> {
    let user = acting_user(&next.state).map(ToString::to_string);

    let change = match before {
        Some(before) => Change::Step(Box::new(before.step_to(next))),
        None => Change::Begin(Box::new(next.into_row())),
    };

    // The journal writes the frequent steps. The others read and write rows of other tables, which
    // has to be one transaction with the step.
    if alongside.is_events_only() {
        return commit(store, user, change, alongside.events).await;
    }

    store
        .write(move |connection| save_in(connection, user.as_deref(), &change, &alongside))
        .await
}

/// The user who goes on with it: not one who is turned away.
fn acting_user(state: &AuthorizationState) -> Option<&UserId> {
    match state {
        AuthorizationState::Rejected(_) => None,
        state => state.login().map(|login| &login.user_id),
    }
}

/// What becomes of the row.
enum Change {
    Begin(Box<AuthorizationRow>),
    Step(Box<AuthorizationStep>),
}

/// Nearly all steps: they share their commits with whatever else is written.
async fn commit(
    store: &Store,
    user: Option<String>,
    change: Change,
    events: Vec<EventRow>,
) -> Result<(), NotSaved> {
    let (guard, begin) = match change {
        Change::Begin(row) => (None, Some(Insert::Authorization(row))),
        Change::Step(step) => (Some(Guard::Authorization(step)), None),
    };

    let events = events.into_iter().map(Box::new).map(Insert::Event);

    let entry = Entry {
        user,
        guard,
        inserts: begin.into_iter().chain(events).collect(),
        ..Entry::default()
    };

    match store.commit(entry).await? {
        Outcome::Committed => Ok(()),
        Outcome::Refused
        | Outcome::Replayed
        | Outcome::TooMany { .. }
        | Outcome::TooManyFailures => Err(NotSaved::AlreadyAnswered),
        Outcome::UserDisabled => Err(NotSaved::UserDisabled),
    }
}

/// A step that changes other tables too, in a transaction of its own.
fn save_in(
    connection: &mut Connection,
    user: Option<&str>,
    change: &Change,
    alongside: &Alongside,
) -> Result<(), WriteError<NotSaved>> {
    if let Some(user) = user
        && users::is_user_disabled(connection, user)?
    {
        return Err(WriteError::Refused(NotSaved::UserDisabled));
    }

    let is_step_taken = match change {
        Change::Begin(row) => {
            authorizations::insert_authorization(connection, row)?;
            true
        }
        Change::Step(step) => authorizations::step_authorization(connection, step)?,
    };

    let is_appliance_answered = match &alongside.appliance {
        Some(answer) => device_codes::answer_device_code(connection, &answer.to_row())?,
        None => true,
    };

    // Of several answers to the same page the first counts, and of an appliance's codes too.
    if !is_step_taken || !is_appliance_answered {
        return Err(WriteError::Refused(NotSaved::AlreadyAnswered));
    }

    if let Some(given) = &alongside.consent {
        remember_consent(connection, given)?;
    }

    if let Some(new) = &alongside.session {
        // The browser overwrites its cookie, so nobody could end the session that it was for.
        if let Some(hash) = &new.replaces {
            login_sessions::delete_login_session(connection, hash)?;
        }
        login_sessions::insert_login_session(connection, &new.session.to_row(&new.hash))?;
    }

    if let Some(told) = &alongside.told {
        let (session, expires_at) = (told.session.to_column(), told.expires_at.as_millis());
        login_sessions::insert_session_client(connection, &session, &told.client_id, expires_at)?;
    }

    for event in &alongside.events {
        events::insert_event(connection, event)?;
    }

    Ok(())
}

fn remember_consent(connection: &mut Connection, given: &GivenConsent) -> QueryResult<()> {
    let Consent { user_id, party, .. } = &given.consent;

    // Read in the same transaction: the user may have consented to something else meanwhile.
    let before = consents::find_consent(connection, user_id.as_str(), party)?;
    let before = before.map(|before| before.scope).unwrap_or_default();

    let remembered = given.consent.clone().beside(&before, &given.asked);
    consents::replace_consent(connection, &remembered.to_row())
}

/// What a user has allowed a web client or an application.
pub(super) async fn find_consent(
    store: &Store,
    user: &UserId,
    party: &str,
) -> Result<Option<Consent>, StoreError> {
    let (user, party) = (user.clone(), party.to_owned());
    let row = store
        .read(move |connection| consents::find_consent(connection, user.as_str(), &party))
        .await?;

    Ok(row.map(Consent::from_row).transpose()?)
}

/// The login that a browser remembers.
pub(super) async fn find_session(
    store: &Store,
    hash: TokenHash,
) -> Result<Option<LoginSession>, StoreError> {
    let row = store
        .read(move |connection| login_sessions::find_login_session(connection, &hash))
        .await?;

    Ok(row.map(LoginSession::from_row).transpose()?)
}

/// Ends a remembered login, and has the clients told that want to know. `notice` makes what one of
/// them is told. Nothing happens where the login has ended before.
pub(super) async fn end_session(
    store: &Store,
    id: LoginSessionId,
    notice: impl Fn(&str) -> Option<CallbackRow> + Send + 'static,
) -> Result<(), StoreError> {
    store
        .write(move |connection| {
            let id = id.to_column();
            login_sessions::end_login_session(connection, &id)?;

            let clients = login_sessions::take_session_clients(connection, &id)?;
            for row in clients.iter().filter_map(|client| notice(client)) {
                callbacks::insert_callback(connection, &row)?;
            }

            Ok(())
        })
        .await
}

/// Notes that a remembered login was of use.
pub(super) async fn use_session(
    store: &Store,
    id: LoginSessionId,
    now: Timestamp,
) -> Result<(), StoreError> {
    store
        .write(move |connection| {
            login_sessions::use_login_session(connection, &id.to_column(), now.as_millis())?;
            Ok(())
        })
        .await
}

/// Keeps a request until the browser comes with its `request_uri`, whose hash this is.
pub(super) async fn insert_pushed_request(
    store: &Store,
    hash: TokenHash,
    pushed: PushedRequest,
) -> Result<(), StoreError> {
    let entry = Entry {
        inserts: vec![pushed.to_row(&hash).into()],
        ..Entry::default()
    };

    // Nothing in it can be refused.
    store.commit(entry).await.map(drop)
}

/// Takes a request that this client has pushed. It is gone then.
pub(super) async fn take_pushed_request(
    store: &Store,
    hash: TokenHash,
    client_id: &str,
) -> Result<Option<PushedRequest>, StoreError> {
    let client_id = client_id.to_owned();
    let row = store
        .write(move |connection| {
            let taken = pushed_requests::take_pushed_request(connection, &hash, &client_id)?;
            Ok::<_, WriteError<StoreError>>(taken)
        })
        .await?;

    Ok(row.map(PushedRequest::from_row).transpose()?)
}

/// Adds an appliance that waits, by the hashes of both its codes; `false` when its user code is
/// taken.
pub(super) async fn insert_device_code(
    store: &Store,
    code: &DeviceCode,
    device_code: TokenHash,
    user_code: TokenHash,
) -> Result<bool, StoreError> {
    let row = code.to_new_row(&device_code, &user_code);
    store
        .write(move |connection| Ok(device_codes::insert_device_code(connection, &row)?))
        .await
}

/// The appliance that shows this code to its user.
pub(super) async fn find_device_code_by_user_code(
    store: &Store,
    user_code: TokenHash,
) -> Result<Option<DeviceCode>, StoreError> {
    let row = store
        .read(move |connection| device_codes::find_device_code_of_user_code(connection, &user_code))
        .await?;

    Ok(row.map(DeviceCode::from_row).transpose()?)
}
