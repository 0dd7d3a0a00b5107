//! Login requests: the login page, an API client, learns what it is asked for and says who the user
//! is.

use std::sync::Arc;

use super::browser::{Browser, Redirect};
use super::error::PageRequestError;
use super::flow::Flow;
use super::page_request::{PageRequests, RequestedScope, RequestingDevice};
use super::persist::Alongside;
use super::rejection::Rejection;
use super::sessions::Sessions;
use super::state::{Event, step};
use crate::base::Base;
use crate::clock::Timestamp;
use crate::ids::{ClientId, UserId};
use crate::oauth::clients::Client;
use crate::oauth::model::{Authentication, Authorization, AuthorizationState, Login};
use crate::secret::TokenKind;
use crate::store::rows::EventRow;
use crate::users::events::{Concerning, EventType, event};

/// The most entries of `amr`, and the longest of them, in bytes.
const AMR_MAX: usize = 10;
const AMR_BYTES_MAX: usize = 64;
/// The longest `acr`, in bytes.
const ACR_BYTES_MAX: usize = 255;

/// What a login page is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginRequest {
    pub client_id: String,
    pub client_name: String,
    /// Where the client is a device.
    pub device: Option<RequestingDevice>,
    /// The requested scopes, separated by spaces.
    pub scope: String,
    pub scopes: Vec<RequestedScope>,
    /// Who the client thinks the user is.
    pub login_hint: Option<String>,
    /// The languages the user prefers.
    pub ui_locales: Option<String>,
    /// How well the client wants the user to be authenticated.
    pub acr_values: Option<String>,
    /// How long ago the user may have logged in, in seconds.
    pub max_age: Option<u32>,
    /// Whether the user is to be asked even if known.
    pub prompt: Option<String>,
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
    /// Whether the browser is to remember the login.
    pub remember: bool,
}

/// Answers login pages.
pub struct Logins {
    pub(super) base: Base,
    pub(super) requests: Arc<PageRequests>,
    pub(super) sessions: Arc<Sessions>,
    pub(super) flow: Arc<Flow>,
}

impl Logins {
    /// What the login page that was called with this `login_challenge` is asked for.
    pub async fn request(&self, challenge: &str) -> Result<LoginRequest, PageRequestError> {
        let authorization = self.find(challenge).await?;
        let client = self.requests.client_of(&authorization).await?;
        let hints = authorization.hints;

        Ok(LoginRequest {
            client_name: client.name().to_owned(),
            device: RequestingDevice::of(&client),
            scopes: self.requests.describe(&authorization.scope),
            client_id: authorization.client_id,
            scope: authorization.scope,
            login_hint: hints.login_hint,
            ui_locales: hints.ui_locales,
            acr_values: hints.acr_values,
            max_age: hints.max_age,
            prompt: hints.prompt,
            requested_at: authorization.created_at,
            expires_at: authorization.expires_at,
        })
    }

    /// Logs the user in. Gives the address the user's browser goes to. `page` is the login page;
    /// `None` for the built-in one.
    pub async fn accept(
        &self,
        page: Option<&ClientId>,
        challenge: &str,
        answer: &AcceptLogin,
    ) -> Result<String, PageRequestError> {
        check(answer)?;
        let authorization = self.find(challenge).await?;
        let client = self.requests.client_of(&authorization).await?;
        if self.requests.is_client_id(&answer.subject).await? {
            return Err(PageRequestError::invalid(
                "subject",
                "is the id of a client: users need ids of their own.",
            ));
        }

        let now = self.base.clock.now();
        let login = Login {
            user_id: answer.subject.clone(),
            authentication: Authentication {
                amr: answer.amr.clone(),
                acr: answer.acr.clone(),
                // The server's time, not one of the page's: `max_age` is measured against it.
                time: now,
            },
        };

        let flow = &self.flow;
        let needs_consent = flow.needs_consent(&client, &authorization, &login).await?;

        let logged_in = Event::LoggedIn {
            login,
            remember: answer.remember,
        };
        let next = step(&authorization.state, logged_in, needs_consent)?;

        let alongside = Alongside {
            events: vec![self.login_event(page, &client, &answer.subject, now)],
            ..Alongside::default()
        };
        Ok(flow.advance(authorization, next, alongside).await?)
    }

    /// Does not log the user in. Gives the address the user's browser goes to with the reason.
    pub async fn reject(
        &self,
        challenge: &str,
        rejection: &Rejection,
    ) -> Result<String, PageRequestError> {
        let reason = rejection.reason()?;
        let authorization = self.find(challenge).await?;

        let next = step(&authorization.state, Event::Rejected(reason), false)?;
        let alongside = Alongside::default();
        Ok(self.flow.advance(authorization, next, alongside).await?)
    }

    /// The browser comes by to be told to remember the login, and goes on.
    pub async fn resume(
        &self,
        verifier: &str,
        browser: &Browser,
    ) -> Result<Redirect, PageRequestError> {
        let remembered = |state: &AuthorizationState| match state {
            AuthorizationState::LoginRemembered(login) => Some(login.clone()),
            _ => None,
        };
        let (authorization, login) = self
            .requests
            .find(verifier, TokenKind::LoginVerifier, remembered)
            .await?;
        let client = self.requests.client_of(&authorization).await?;
        let flow = &self.flow;
        let needs_consent = flow.needs_consent(&client, &authorization, &login).await?;

        // Another browser than the one that began goes on, but remembers nothing.
        let is_recognised = self.sessions.is_recognised(browser, &authorization.hints);
        let session = is_recognised.then(|| self.sessions.begin(browser, login));
        let (session, cookie) = session.unzip();

        let next = step(&authorization.state, Event::BrowserReturned, needs_consent)?;

        let alongside = Alongside {
            session,
            ..Alongside::default()
        };
        let address = flow.advance(authorization, next, alongside).await?;
        Ok(Redirect { address, cookie })
    }

    async fn find(&self, challenge: &str) -> Result<Authorization, PageRequestError> {
        let waiting = |state: &AuthorizationState| match state {
            AuthorizationState::WaitingForLogin => Some(()),
            _ => None,
        };
        let (authorization, ()) = self
            .requests
            .find(challenge, TokenKind::LoginChallenge, waiting)
            .await?;
        Ok(authorization)
    }

    fn login_event(
        &self,
        page: Option<&ClientId>,
        client: &Client,
        user: &UserId,
        now: Timestamp,
    ) -> EventRow {
        // The client that acts is the login page; a web client that asked is not named.
        let device = match client {
            Client::Web(_) => None,
            Client::Device { device, .. } => Some(&device.id),
        };

        let concerning = Concerning {
            client: page,
            user: Some(user),
            device,
            ..Concerning::default()
        };

        event(
            EventType::AuthzRequestGrantCreated,
            concerning,
            now,
            self.base.random.as_ref(),
        )
    }
}

fn check(answer: &AcceptLogin) -> Result<(), PageRequestError> {
    // The names go into ID tokens and introspection answers as they are.
    let is_name = |name: &String| {
        (1..=AMR_BYTES_MAX).contains(&name.len()) && !name.chars().any(char::is_control)
    };
    if answer.amr.len() > AMR_MAX || !answer.amr.iter().all(is_name) {
        return Err(PageRequestError::invalid(
            "amr",
            "must be at most 10 names of 1 to 64 bytes.",
        ));
    }

    let is_text = |acr: &String| (1..=ACR_BYTES_MAX).contains(&acr.len());
    if !answer.acr.iter().all(is_text) {
        return Err(PageRequestError::invalid("acr", "must be 1 to 255 bytes."));
    }

    Ok(())
}
