//! Login requests: the login page, an API client, learns what it is asked for and says who the user
//! is.

use std::sync::Arc;
use std::time::Duration;

use super::error::PageRequestError;
use super::flow::Flow;
use super::page_request::{PageRequests, RequestedScope, RequestingInstallation};
use super::persist::Alongside;
use super::rejection::Rejection;
use super::state::{Event, step};
use crate::base::Base;
use crate::clock::Timestamp;
use crate::ids::{ClientId, UserId};
use crate::oauth::clients::Client;
use crate::oauth::model::{Authentication, Authorization, AuthorizationState, Claims, Login};
use crate::secret::TokenKind;
use crate::store::rows::EventRow;
use crate::users::events::{Concerning, EventType, event};

/// The most entries of `amr`, and the longest of them, in bytes.
const AMR_MAX: usize = 10;
const AMR_BYTES_MAX: usize = 64;
/// The longest `acr`, in bytes.
const ACR_BYTES_MAX: usize = 255;
/// How far ahead the clock of a login page may be.
const AUTH_TIME_TOLERANCE: Duration = Duration::from_secs(60);

/// What a login page is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginRequest {
    pub client_id: String,
    pub client_name: String,
    /// Where the client is an installation of an application.
    pub installation: Option<RequestingInstallation>,
    /// Where an appliance asks: the code that it shows.
    pub user_code: Option<String>,
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
    /// When the user was authenticated: now, where it is not given.
    pub auth_time: Option<Timestamp>,
    /// What else the login page says of the user. It is given out by scope.
    pub claims: Claims,
    /// Whether the browser is to remember the login.
    pub remember: bool,
}

impl AcceptLogin {
    /// This user, with nothing else said.
    #[must_use]
    pub fn of(subject: UserId) -> Self {
        Self {
            subject,
            amr: Vec::new(),
            acr: None,
            auth_time: None,
            claims: Claims::default(),
            remember: false,
        }
    }
}

/// Answers login pages.
pub struct Logins {
    pub(super) base: Base,
    pub(super) requests: Arc<PageRequests>,
    pub(super) flow: Arc<Flow>,
}

impl Logins {
    /// What the login page that was called with this `login_challenge` is asked for.
    pub async fn request(&self, challenge: &str) -> Result<LoginRequest, PageRequestError> {
        let authorization = self.find(challenge).await?;
        let client = self.requests.client_of(&authorization).await?;
        let user_code = self.requests.user_code(&authorization);
        let hints = authorization.hints;

        Ok(LoginRequest {
            client_name: client.name().to_owned(),
            installation: RequestingInstallation::of(&client),
            user_code,
            scopes: self.requests.describe(&authorization.scope),
            client_id: authorization.client_id,
            scope: authorization.scope,
            login_hint: hints.login_hint.or(hints.subject),
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
        if !authorization.hints.expect(&answer.subject) {
            return Err(PageRequestError::invalid(
                "subject",
                "is not the user whom the client's `id_token_hint` names; reject with `login_required` instead.",
            ));
        }
        if self.requests.is_client_id(&answer.subject).await? {
            return Err(PageRequestError::invalid(
                "subject",
                "is the id of a client: users need ids of their own.",
            ));
        }

        let (now, random) = (self.base.clock.now(), self.base.random.as_ref());
        let login = Login {
            user_id: answer.subject.clone(),
            authentication: Authentication {
                amr: answer.amr.clone(),
                acr: answer.acr.clone(),
                time: auth_time(answer, &authorization, now)?,
                claims: answer
                    .claims
                    .seal(&self.base.keyring, &answer.subject, random),
                session: None,
            },
        };

        let logged_in = Event::LoggedIn {
            login,
            remember: answer.remember,
        };
        let next = step(&authorization.state, logged_in)?;

        let alongside = Alongside {
            events: vec![self.login_event(page, &client, &answer.subject, now)],
            ..Alongside::default()
        };
        let redirect = self.flow.advance(authorization, next, alongside).await?;
        Ok(redirect.address)
    }

    /// Does not log the user in. Gives the address the user's browser goes to with the reason.
    pub async fn reject(
        &self,
        challenge: &str,
        rejection: &Rejection,
    ) -> Result<String, PageRequestError> {
        let reason = rejection.reason()?;
        let authorization = self.find(challenge).await?;

        let next = step(&authorization.state, Event::Refused(reason))?;
        let alongside = Alongside::default();
        let redirect = self.flow.advance(authorization, next, alongside).await?;
        Ok(redirect.address)
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

/// When the page authenticated the user, if that is what the client asks for (OpenID Connect Core
/// §3.1.2.1).
fn auth_time(
    answer: &AcceptLogin,
    authorization: &Authorization,
    now: Timestamp,
) -> Result<Timestamp, PageRequestError> {
    let Some(time) = answer.auth_time else {
        return Ok(now);
    };

    // The page's clock may differ a little.
    if now.after(AUTH_TIME_TOLERANCE) < time {
        return Err(PageRequestError::invalid(
            "auth_time",
            "must not be in the future: seconds since the epoch, UTC.",
        ));
    }

    let hints = &authorization.hints;
    let max_age = hints.max_age.map(u64::from).map(Duration::from_secs);
    let is_too_old = |max_age| time.after(max_age).after(AUTH_TIME_TOLERANCE) < now;
    let is_old = time.after(AUTH_TIME_TOLERANCE) < authorization.created_at;

    // The client would refuse it; the user has to be asked anew.
    if max_age.is_some_and(is_too_old) || (hints.prompts("login") && is_old) {
        return Err(PageRequestError::invalid(
            "auth_time",
            "is longer ago than `max_age` or `prompt` of the request allow: authenticate the user anew.",
        ));
    }

    Ok(time.min(now))
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
