//! Login requests: the login page, an API client, learns what it is asked for and says who the user
//! is.

use super::hints::Hints;
use super::page::{Installed, PageRequestError, ScopeAsked, invalid};
use super::persist::{self, NewSession, Saving};
use super::sessions::{Browser, Redirect};
use super::state::{Ahead, AuthorizationStatus, Step, step};
use crate::clock::Timestamp;
use crate::ids::{ClientId, DeviceId, UserId};
use crate::oauth::TokenServer;
use crate::oauth::clients::Client;
use crate::secret::TokenKind;
use crate::store::rows::{AuthorizationRow, EventRow};
use crate::users::events::{Concerning, EventType, event};

/// The most entries of `amr`, and the longest of them, in bytes.
const AMR_MAX: usize = 10;
const AMR_BYTES_MAX: usize = 64;
/// The longest `acr` and `error_description`, in bytes.
const TEXT_BYTES_MAX: usize = 255;

/// What may be told to the client as the reason (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6).
const REJECTIONS: [&str; 6] = [
    "access_denied",
    "login_required",
    "interaction_required",
    "consent_required",
    "server_error",
    "temporarily_unavailable",
];

/// What a login page is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginRequest {
    /// The web client or the installation.
    pub client_id: String,
    pub client_name: String,
    /// Where the client is an installation.
    pub installed: Option<Installed>,
    /// The scopes asked for.
    pub scope: String,
    pub scopes: Vec<ScopeAsked>,
    /// Who the client thinks the user is.
    pub login_hint: Option<String>,
    /// The languages the user prefers.
    pub ui_locales: Option<String>,
    /// How well the client would have the user authenticated.
    pub acr_values: Option<String>,
    /// How long ago the user may have logged in, in seconds.
    pub max_age: Option<u32>,
    /// Whether the user is to be asked even if known.
    pub prompt: Option<String>,
    /// When the client asked.
    pub requested_at: Timestamp,
    /// Until when the login page may answer.
    pub expires_at: Timestamp,
}

/// The login page says who the user is.
#[derive(Clone, Debug)]
pub struct AcceptLogin {
    pub subject: UserId,
    /// How the user was authenticated (RFC 8176): at most 10 names of at most 64 bytes.
    pub amr: Vec<String>,
    /// How well: at most 255 bytes.
    pub acr: Option<String>,
    /// Whether the browser is to remember it.
    pub remember: bool,
}

/// The login page, or the consent page, says no.
#[derive(Clone, Debug, Default)]
pub struct RejectLogin {
    /// `access_denied` unless it says otherwise.
    pub error: Option<String>,
    /// For the client's developer: at most 255 printable ASCII characters without quotes and
    /// backslashes.
    pub error_description: Option<String>,
}

impl TokenServer {
    /// What the login page that was called with this `login_challenge` is asked for.
    pub async fn login_request(&self, challenge: &str) -> Result<LoginRequest, PageRequestError> {
        let row = self.waiting_for_login(challenge).await?;
        let client = self.client_of(&row).await?;
        let Hints {
            login_hint,
            ui_locales,
            acr_values,
            max_age,
            prompt,
            ..
        } = Hints::of(&row);
        Ok(LoginRequest {
            client_name: client.name().to_owned(),
            installed: Installed::of(&client),
            scopes: self.scopes_asked(&row.scope),
            client_id: row.client_id,
            scope: row.scope,
            login_hint,
            ui_locales,
            acr_values,
            max_age,
            prompt,
            requested_at: Timestamp::from_millis(row.created_at),
            expires_at: Timestamp::from_millis(row.expires_at),
        })
    }

    /// Logs the user in. Gives the address the user's browser goes on to; `page` is the login page,
    /// none for the built-in one.
    pub async fn accept_login(
        &self,
        page: Option<&ClientId>,
        challenge: &str,
        answer: &AcceptLogin,
    ) -> Result<String, PageRequestError> {
        check_acceptance(answer)?;
        let row = self.waiting_for_login(challenge).await?;
        let client = self.client_of(&row).await?;
        let now = self.0.base.clock.now();
        let row = AuthorizationRow {
            user_id: Some(answer.subject.to_string()),
            amr: serde_json::to_string(&answer.amr).ok(),
            acr: answer.acr.clone(),
            auth_time: Some(now.as_millis()),
            ..row
        };
        let ahead = self.ahead(&client, &row).await?;
        let status = step(
            AuthorizationStatus::WaitingForLogin,
            Step::LogIn {
                remember: answer.remember,
            },
            ahead,
        )?;
        let arrived = self.arrive(row, status);
        let saving = Saving {
            row: arrived.row,
            from: Some(AuthorizationStatus::WaitingForLogin),
            events: vec![self.login_event(page, &client, &answer.subject, now)],
            device: arrived.device,
            ..Saving::default()
        };
        persist::save(&self.0.base.store, saving).await?;
        Ok(arrived.address)
    }

    /// Does not log the user in. Gives the address the user's browser goes on to, with the reason.
    pub async fn reject_login(
        &self,
        challenge: &str,
        answer: &RejectLogin,
    ) -> Result<String, PageRequestError> {
        let error = check_rejection(answer)?;
        let row = self.waiting_for_login(challenge).await?;
        self.reject(
            row,
            AuthorizationStatus::WaitingForLogin,
            error,
            answer.error_description.as_deref(),
        )
        .await
    }

    pub(super) async fn reject(
        &self,
        row: AuthorizationRow,
        from: AuthorizationStatus,
        error: &str,
        description: Option<&str>,
    ) -> Result<String, PageRequestError> {
        step(
            from,
            Step::Reject,
            Ahead {
                consent: false,
                for_device: row.device_code_id.is_some(),
            },
        )?;
        let arrived = self.turn_away(row, error, description);
        let saving = Saving {
            row: arrived.row,
            from: Some(from),
            device: arrived.device,
            ..Saving::default()
        };
        persist::save(&self.0.base.store, saving).await?;
        Ok(arrived.address)
    }

    /// The browser comes by to be told that it is to remember the login, and goes on.
    pub async fn resume_login(
        &self,
        verifier: &str,
        browser: &Browser,
    ) -> Result<Redirect, PageRequestError> {
        let from = AuthorizationStatus::LoginRemembered;
        let row = self
            .waiting(verifier, TokenKind::LoginVerifier, from)
            .await?;
        let client = self.client_of(&row).await?;
        let ahead = self.ahead(&client, &row).await?;
        let recognised = self.is_recognised(browser, &Hints::of(&row));
        let session = recognised
            .then(|| self.new_session(&row, self.0.base.clock.now()))
            .flatten();
        let (session, cookie) = session.unzip();
        let hash_of = |text: &str| {
            self.0
                .base
                .keyring
                .token_hash(TokenKind::LoginSession, text)
        };
        let replaces = browser
            .session
            .as_ref()
            .map(|session| hash_of(session.expose()));
        let arrived = self.arrive(row, step(from, Step::Remember, ahead)?);
        let saving = Saving {
            row: arrived.row,
            from: Some(from),
            session: session.map(|row| NewSession { row, replaces }),
            device: arrived.device,
            ..Saving::default()
        };
        persist::save(&self.0.base.store, saving).await?;
        Ok(Redirect {
            address: arrived.address,
            cookie,
        })
    }

    /// What lies before a user who is known.
    pub(super) async fn ahead(
        &self,
        client: &Client,
        row: &AuthorizationRow,
    ) -> Result<Ahead, PageRequestError> {
        let consent = self.needs_consent(client, row).await?;
        Ok(Ahead {
            consent,
            for_device: row.device_code_id.is_some(),
        })
    }

    async fn waiting_for_login(
        &self,
        challenge: &str,
    ) -> Result<AuthorizationRow, PageRequestError> {
        self.waiting(
            challenge,
            TokenKind::LoginChallenge,
            AuthorizationStatus::WaitingForLogin,
        )
        .await
    }

    fn login_event(
        &self,
        page: Option<&ClientId>,
        client: &Client,
        user: &UserId,
        now: Timestamp,
    ) -> EventRow {
        let device = client
            .application_id()
            .and_then(|_| DeviceId::new(client.id()).ok());
        let concerning = Concerning {
            client: page,
            user: Some(user),
            device: device.as_ref(),
            ..Concerning::default()
        };
        event(
            EventType::AuthzRequestGrantCreated,
            concerning,
            now,
            self.0.base.random.as_ref(),
        )
    }
}

fn check_acceptance(answer: &AcceptLogin) -> Result<(), PageRequestError> {
    let is_name = |name: &String| {
        (1..=AMR_BYTES_MAX).contains(&name.len()) && !name.chars().any(char::is_control)
    };
    if answer.amr.len() > AMR_MAX || !answer.amr.iter().all(is_name) {
        return Err(invalid("amr", "must be at most 10 names of 1 to 64 bytes."));
    }
    if answer
        .acr
        .as_ref()
        .is_some_and(|acr| acr.is_empty() || acr.len() > TEXT_BYTES_MAX)
    {
        return Err(invalid("acr", "must be 1 to 255 bytes."));
    }
    Ok(())
}

/// The name of the error.
pub(super) fn check_rejection(answer: &RejectLogin) -> Result<&'static str, PageRequestError> {
    let wanted = answer.error.as_deref().unwrap_or("access_denied");
    let error = REJECTIONS.into_iter().find(|known| *known == wanted);
    let error = error.ok_or(invalid(
        "error",
        "must be `access_denied` or another error of the authorization endpoint.",
    ))?;
    // The characters of RFC 6749 §4.1.2.1.
    let allowed = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b'"' && byte != b'\\';
    match &answer.error_description {
        Some(text) if text.len() > TEXT_BYTES_MAX || !text.bytes().all(allowed) => Err(invalid(
            "error_description",
            "must be at most 255 printable ASCII characters without \" and \\.",
        )),
        Some(_) | None => Ok(error),
    }
}
