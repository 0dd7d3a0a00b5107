//! The authorization endpoint (RFC 6749 §4.1.1): who asks, where the answer may go, and where the
//! user's browser goes next.

use std::sync::Arc;

use super::browser::{Browser, Redirect};
use super::check::{self, CheckedRequest, FORM_POST};
use super::error::{AuthorizationError, AuthorizeRefusal};
use super::flow::Flow;
use super::page_request::PageRequests;
use super::pushed::PushedRequests;
use super::redirect::{self, Answering};
use super::sessions::Sessions;
use super::steps::PAGE_TIME_TO_LIVE;
use crate::base::Base;
use crate::ids::AuthorizationId;
use crate::oauth::clients::{Client, Clients};
use crate::oauth::issuer::Issuer;
use crate::oauth::model::{
    AnswerTo, Authorization, AuthorizationState, AuthorizeRequest, RedirectAnswer,
};
use crate::oauth::tokens::{IdTokenHint, IdTokenHints};
use crate::settings::{Application, web_origin};

/// Who asks for an authorization.
enum Requester {
    Client(Client),
    /// A device whose application's version is disabled.
    DisabledVersion(Arc<Application>),
}

impl Requester {
    /// Where a request of it is answered.
    fn answered_at<'a>(&'a self, requested: Option<&'a str>) -> Option<&'a str> {
        let (registered, is_native) = match self {
            Self::Client(client) => (client.redirect_uris(), client.is_native()),
            Self::DisabledVersion(application) => (application.redirect_uris.as_slice(), true),
        };
        redirect::resolve(registered, requested, is_native)
    }
}

/// The authorization endpoint.
pub struct AuthorizationEndpoint {
    pub(super) base: Base,
    pub(super) issuer: Issuer,
    pub(super) clients: Arc<Clients>,
    pub(super) pushed: Arc<PushedRequests>,
    pub(super) requests: Arc<PageRequests>,
    pub(super) id_tokens: Arc<IdTokenHints>,
    pub(super) sessions: Arc<Sessions>,
    pub(super) flow: Arc<Flow>,
}

impl AuthorizationEndpoint {
    /// Gives the address the user's browser goes to: a page that asks the user, or the client.
    pub async fn authorize(
        &self,
        request: &AuthorizeRequest,
        browser: &Browser,
    ) -> Result<Redirect, AuthorizeRefusal> {
        let client_id = request
            .client_id
            .as_deref()
            .ok_or(AuthorizeRefusal::ClientOrRedirectUri)?;

        // What was pushed takes the place of everything that the browser brings.
        let pushed = match &request.request_uri {
            Some(request_uri) => Some(self.pushed.take(client_id, request_uri).await?),
            None => None,
        };
        let is_pushed = pushed.is_some();
        let request = pushed.as_ref().unwrap_or(request);

        // Until the address is known to be the client's, the user is told instead of the client.
        let requester = self
            .requester(client_id)
            .await?
            .ok_or(AuthorizeRefusal::ClientOrRedirectUri)?;
        let redirect_uri = requester
            .answered_at(request.redirect_uri.as_deref())
            .ok_or(AuthorizeRefusal::ClientOrRedirectUri)?
            .to_owned();

        // From here on the client can be answered.
        let wants_form_post = request.response_mode.as_deref() == Some(FORM_POST);
        let form_post = wants_form_post && web_origin(&redirect_uri).is_some();
        let answer_with = |error| {
            let state = request.state.as_deref();
            self.answer_with(&redirect_uri, state, form_post, error)
        };

        if wants_form_post && !form_post {
            return Ok(answer_with(AuthorizationError::new(
                "invalid_request",
                "response_mode: nothing can be posted to this `redirect_uri`.",
            )));
        }

        match self.check(requester, request, is_pushed) {
            Ok((client, mut checked)) => {
                if let Some(hint) = &request.id_token_hint {
                    let Some(hint) = self.read_hint(&client, hint).await? else {
                        return Ok(answer_with(AuthorizationError::new(
                            "invalid_request",
                            "id_token_hint: is not an ID token that this server has issued to the client.",
                        )));
                    };
                    checked.hints.subject = Some(hint.user_id.into());
                }

                self.begin(&client, &redirect_uri, checked, browser).await
            }
            Err(error) => Ok(answer_with(error)),
        }
    }

    /// `None` for what is no ID token of this client's.
    async fn read_hint(
        &self,
        client: &Client,
        hint: &str,
    ) -> Result<Option<IdTokenHint>, AuthorizeRefusal> {
        let hint = self.id_tokens.read(hint).await;
        // It fails only where there are no keys.
        let hint = hint.map_err(|_| AuthorizeRefusal::Unavailable)?;

        Ok(hint.filter(|hint| hint.client_id == client.id()))
    }

    async fn requester(&self, client_id: &str) -> Result<Option<Requester>, AuthorizeRefusal> {
        if let Some(client) = self.clients.find(client_id).await? {
            return Ok(Some(Requester::Client(client)));
        }

        // A device whose version is disabled gets an answer at its own address: its app can then
        // ask the user to upgrade it. An unknown client would only be an error page.
        let Some(device) = self.clients.find_device(client_id).await? else {
            return Ok(None);
        };

        let settings = self.base.settings.load();
        let application = settings.applications.get(&device.application_id);
        Ok(application.cloned().map(Requester::DisabledVersion))
    }

    fn check(
        &self,
        requester: Requester,
        request: &AuthorizeRequest,
        is_pushed: bool,
    ) -> Result<(Client, CheckedRequest), AuthorizationError> {
        let Requester::Client(client) = requester else {
            return Err(AuthorizationError::new(
                "unauthorized_client",
                "This version of the application is disabled: upgrade it.",
            ));
        };

        // Such a client trusts nothing that a browser brings along, because its user can change
        // that (RFC 9126 §6).
        let must_push =
            matches!(&client, Client::Web(client) if client.require_pushed_authorization_requests);
        if must_push && !is_pushed {
            return Err(AuthorizationError::new(
                "invalid_request",
                "The client has to push its authorization requests.",
            ));
        }

        let checked = check::check(&self.base.settings.load(), &client, request)?;
        Ok((client, checked))
    }

    async fn begin(
        &self,
        client: &Client,
        redirect_uri: &str,
        checked: CheckedRequest,
        browser: &Browser,
    ) -> Result<Redirect, AuthorizeRefusal> {
        let (state, form_post) = (checked.state.clone(), checked.hints.form_post);
        let answer_with =
            |error| self.answer_with(redirect_uri, state.as_deref(), form_post, error);

        // The client wants an answer at once, whatever it is (OpenID Connect Core §3.1.2.1).
        let is_silent = checked.hints.prompts("none");
        let remembered = if client.is_assured_at(redirect_uri) {
            self.sessions.find_login(browser, &checked.hints).await?
        } else {
            None
        };
        let (recognition, cookie) = self.sessions.recognition(browser);
        let authorization = self.new_authorization(client, redirect_uri, checked, recognition);

        if let Some(session) = remembered {
            let flow = &self.flow;
            let needs_consent = flow
                .needs_consent(client, &authorization, &session.login)
                .await?;
            // No page may be shown, so the client is told which one it would take (OpenID Connect
            // Core §3.1.2.6).
            if needs_consent && is_silent {
                return Ok(answer_with(AuthorizationError::new(
                    "consent_required",
                    "The user has to consent.",
                )));
            }

            let begun = flow
                .begin_with_login(client, authorization.clone(), session, needs_consent)
                .await?;

            if let Some(redirect) = begun {
                // It is for a browser that comes back from a page, where this one need not go
                // unless it is asked.
                let cookie = cookie.filter(|_| needs_consent);
                return Ok(Redirect { cookie, ..redirect });
            }
        }

        if is_silent {
            return Ok(answer_with(AuthorizationError::new(
                "login_required",
                "The user has to log in.",
            )));
        }

        let redirect = self.flow.begin(authorization).await?;
        Ok(Redirect { cookie, ..redirect })
    }

    fn new_authorization(
        &self,
        client: &Client,
        redirect_uri: &str,
        checked: CheckedRequest,
        recognition: String,
    ) -> Authorization {
        let now = self.base.clock.now();
        let mut hints = checked.hints;
        hints.browser = Some(recognition);

        Authorization {
            id: AuthorizationId::new(now, self.base.random.as_ref()),
            client_id: client.id().to_owned(),
            scope: checked.scope,
            resource_server: checked.resource_server.map(|server| server.id.clone()),
            hints,
            answer_to: AnswerTo::Redirect(RedirectAnswer {
                redirect_uri: redirect_uri.to_owned(),
                state: checked.state,
                nonce: checked.nonce,
                code_challenge: checked.code_challenge,
                jkt: checked.jkt,
            }),
            challenge: None,
            state: AuthorizationState::WaitingForLogin,
            created_at: now,
            expires_at: now.after(PAGE_TIME_TO_LIVE),
        }
    }

    fn answer_with(
        &self,
        redirect_uri: &str,
        state: Option<&str>,
        form_post: bool,
        error: AuthorizationError,
    ) -> Redirect {
        let answering = Answering {
            issuer: &self.issuer,
            redirect_uri,
            state,
            form_post,
        };
        answering.with_reason(&error.into())
    }
}
