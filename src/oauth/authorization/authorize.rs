//! The authorization endpoint (RFC 6749 §4.1.1): who asks, where the answer may go, and where the
//! user is sent.

use std::sync::Arc;

use super::check::{Asked, AuthorizationError, error, is_too_long};
use super::page::PageRequestError;
use super::persist::{self, Saving};
use super::progress::Arrived;
use super::request::AuthorizeRequest;
use super::sessions::{Browser, Redirect};
use super::state::after_login;
use super::{PAGE_TIME_TO_LIVE, redirect};
use crate::ids::{DeviceId, uuid_v7};
use crate::oauth::clients::Client;
use crate::oauth::error::log_unavailable;
use crate::oauth::{OAuthError, TokenServer};
use crate::settings::Application;
use crate::store::StoreError;
use crate::store::rows::{AuthorizationRow, EventRow, LoginSessionRow};
use crate::users::events::EventType;

/// Why the user cannot be sent anywhere: to be shown to the user (RFC 6749 §4.1.2.1), never
/// redirected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorizeRefusal {
    /// The client is not known, or not allowed to answer at this address. `400`.
    #[error("`client_id` is unknown, or `redirect_uri` is not one of that client's.")]
    ClientOrRedirectUri,
    /// No such pushed request of this client. `400`.
    #[error("`request_uri` is unknown, expired or used before, or was issued to another client.")]
    RequestUri,
    /// `503`.
    #[error("The server is busy or its database is out of reach; try again shortly.")]
    Unavailable,
}

impl From<StoreError> for AuthorizeRefusal {
    fn from(error: StoreError) -> Self {
        log_unavailable(&error);
        Self::Unavailable
    }
}

/// Who asks for an authorization.
enum Requester {
    Client(Client),
    /// An installation of a version that is disabled.
    Disabled(Arc<Application>),
}

impl TokenServer {
    /// Gives the address the user's browser goes on to: a page that asks the user, or the client.
    pub async fn authorize(
        &self,
        request: &AuthorizeRequest,
        browser: &Browser,
    ) -> Result<Redirect, AuthorizeRefusal> {
        let client_id = request
            .client_id
            .as_deref()
            .ok_or(AuthorizeRefusal::ClientOrRedirectUri)?;
        let pushed = match &request.request_uri {
            Some(request_uri) => Some(self.take_pushed_request(client_id, request_uri).await?),
            None => None,
        };
        let (request, is_pushed) = pushed
            .as_ref()
            .map_or((request, false), |pushed| (pushed, true));
        let requester = self
            .requester(client_id)
            .await?
            .ok_or(AuthorizeRefusal::ClientOrRedirectUri)?;
        let redirect_uri = registered_redirect_uri(&requester, request)?;
        match self.check_request(requester, request, is_pushed) {
            Ok((client, asked)) => self.begin(&client, redirect_uri, asked, browser).await,
            Err(error) => Ok(Redirect::to(self.redirect_error(
                redirect_uri,
                request.state.as_deref(),
                error,
            ))),
        }
    }

    async fn requester(&self, client_id: &str) -> Result<Option<Requester>, AuthorizeRefusal> {
        match self.find_client(client_id).await {
            Ok(Some(client)) => return Ok(Some(Requester::Client(client))),
            Ok(None) => {}
            Err(OAuthError::Unavailable) => return Err(AuthorizeRefusal::Unavailable),
            Err(_) => return Ok(None),
        }
        let Ok(id) = DeviceId::new(client_id) else {
            return Ok(None);
        };
        let Some(device) = self.0.devices.find(&id).await? else {
            return Ok(None);
        };
        Ok(self
            .0
            .base
            .settings
            .load()
            .applications
            .get(&device.application_id)
            .cloned()
            .map(Requester::Disabled))
    }

    fn check_request(
        &self,
        requester: Requester,
        request: &AuthorizeRequest,
        is_pushed: bool,
    ) -> Result<(Client, Asked), AuthorizationError> {
        let Requester::Client(client) = requester else {
            return Err(error(
                "unauthorized_client",
                "This version of the application is disabled: upgrade it.",
            ));
        };
        let must_push =
            matches!(&client, Client::Web(client) if client.require_pushed_authorization_requests);
        if must_push && !is_pushed {
            return Err(error(
                "invalid_request",
                "The client has to push its authorization requests.",
            ));
        }
        let asked = self.check_authorization(&client, request)?;
        Ok((client, asked))
    }

    async fn begin(
        &self,
        client: &Client,
        redirect_uri: &str,
        asked: Asked,
        browser: &Browser,
    ) -> Result<Redirect, AuthorizeRefusal> {
        let now = self.0.base.clock.now();
        let silent = asked.hints.prompts("none");
        let session = self.remembered_login(browser, &asked.hints).await?;
        let (recognition, cookie) = self.recognition(browser);
        let mut hints = asked.hints;
        hints.browser = Some(recognition);
        let row = AuthorizationRow {
            id: uuid_v7(now, self.0.base.random.as_ref())
                .into_bytes()
                .to_vec(),
            client_id: client.id().to_owned(),
            redirect_uri: Some(redirect_uri.to_owned()),
            scope: asked.scope,
            resource_server: asked.resource_server.map(|server| server.id.clone()),
            state: asked.state,
            nonce: asked.nonce,
            code_challenge: Some(asked.code_challenge),
            jkt: asked.jkt,
            hints: hints.stored(),
            created_at: now.as_millis(),
            expires_at: now.after(PAGE_TIME_TO_LIVE).as_millis(),
            ..AuthorizationRow::default()
        };
        if let Some(session) = session
            && let Some(address) = self
                .skip_login(client, row.clone(), session, silent)
                .await?
        {
            return Ok(Redirect::to(address));
        }
        if silent {
            let error = error("login_required", "The user has to log in.");
            return Ok(Redirect::to(self.redirect_error(
                redirect_uri,
                row.state.as_deref(),
                error,
            )));
        }
        let arrived = self.send_to_login(row);
        let address = self.save_new(arrived, Vec::new()).await?;
        Ok(Redirect { address, cookie })
    }

    /// Goes on with the user a browser remembers. `None` where the user may not log in.
    pub(super) async fn skip_login(
        &self,
        client: &Client,
        row: AuthorizationRow,
        session: LoginSessionRow,
        silent: bool,
    ) -> Result<Option<String>, AuthorizeRefusal> {
        let row = AuthorizationRow {
            user_id: Some(session.user_id),
            amr: session.amr,
            acr: session.acr,
            auth_time: Some(session.auth_time),
            ..row
        };
        let ahead = self.ahead(client, &row).await?;
        if ahead.consent && silent {
            let error = error("consent_required", "The user has to consent.");
            let redirect_uri = row.redirect_uri.as_deref().unwrap_or_default();
            return Ok(Some(self.redirect_error(
                redirect_uri,
                row.state.as_deref(),
                error,
            )));
        }
        let user = row.user_id.as_deref();
        let event = self.token_event(
            EventType::AuthzRequestGrantCreated,
            client,
            user,
            self.0.base.clock.now(),
        );
        let arrived = self.arrive(row, after_login(ahead));
        match self.save_new(arrived, vec![event]).await {
            Ok(address) => Ok(Some(address)),
            Err(PageRequestError::UserDisabled) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Saves an authorization that is new; gives where the browser goes on to.
    pub(super) async fn save_new(
        &self,
        arrived: Arrived,
        events: Vec<EventRow>,
    ) -> Result<String, PageRequestError> {
        let Arrived {
            mut row,
            address,
            device,
        } = arrived;
        if row.challenge_hash.is_empty() {
            // Nobody has a challenge for it, and no two rows have the same.
            row.challenge_hash = row.id.clone();
        }
        persist::save(
            &self.0.base.store,
            Saving {
                row,
                events,
                device,
                ..Saving::default()
            },
        )
        .await?;
        Ok(address)
    }

    fn redirect_error(
        &self,
        redirect_uri: &str,
        state: Option<&str>,
        error: AuthorizationError,
    ) -> String {
        // A state that is too long is not given back: it is what the error is about.
        let state = state.filter(|state| !is_too_long(state));
        let parameters = [
            ("error", Some(error.code)),
            ("error_description", Some(error.description)),
        ];
        self.answer_at(redirect_uri, state, &parameters)
    }
}

impl From<PageRequestError> for AuthorizeRefusal {
    /// What is new was answered by nobody: only the database can fail.
    fn from(error: PageRequestError) -> Self {
        match error {
            PageRequestError::NotFound | PageRequestError::AlreadyAnswered => {
                Self::ClientOrRedirectUri
            }
            PageRequestError::UserDisabled
            | PageRequestError::InvalidParameter { .. }
            | PageRequestError::Unavailable => Self::Unavailable,
        }
    }
}

fn registered_redirect_uri<'a>(
    requester: &Requester,
    request: &'a AuthorizeRequest,
) -> Result<&'a str, AuthorizeRefusal> {
    let is_registered = |uri: &&str| match requester {
        Requester::Client(client) => is_redirect_uri_of(client, uri),
        Requester::Disabled(application) => {
            redirect::is_registered(&application.redirect_uris, uri, true)
        }
    };
    let redirect_uri = request.redirect_uri.as_deref().filter(is_registered);
    redirect_uri.ok_or(AuthorizeRefusal::ClientOrRedirectUri)
}

/// Whether a client may be answered there. One without a secret is taken for a program on the
/// user's device.
pub(super) fn is_redirect_uri_of(client: &Client, uri: &str) -> bool {
    let native = client.is_public() || client.application_id().is_some();
    redirect::is_registered(client.redirect_uris(), uri, native)
}
