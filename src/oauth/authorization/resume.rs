//! The browser comes back from a page, and goes on with what the page has said.

use super::authorize::AuthorizationEndpoint;
use super::browser::{Browser, Redirect};
use super::error::AuthorizeRefusal;
use super::persist::{Alongside, NotSaved, Told};
use super::state::{Event, step};
use crate::oauth::model::AuthorizationState;

impl AuthorizationEndpoint {
    /// Takes the browser back from a page. `verifier` is what the page's answer gave.
    pub async fn resume(
        &self,
        verifier: &str,
        browser: &Browser,
    ) -> Result<Redirect, AuthorizeRefusal> {
        let answered = |state: &AuthorizationState| match state {
            AuthorizationState::LoggedIn { login, remember } => {
                Some(Some((login.clone(), *remember)))
            }
            AuthorizationState::Consented(_) | AuthorizationState::Refused { .. } => Some(None),
            _ => None,
        };
        let (authorization, logged_in) = self.requests.find_answered(verifier, answered).await?;

        // Whoever sent the user an address that ends a login begun elsewhere would have the user's
        // browser go on as somebody else, or would get what the user has allowed.
        if !self.sessions.is_recognised(browser, &authorization.hints) {
            return Err(AuthorizeRefusal::OtherBrowser);
        }

        let client = self.requests.client_of(&authorization).await?;

        let needs_consent = match &logged_in {
            Some((login, _)) => {
                let flow = &self.flow;
                flow.needs_consent(&client, &authorization, login).await?
            }
            None => false,
        };

        let (session, cookie) = match logged_in {
            Some((login, true)) => {
                let (session, cookie) = self.sessions.begin(browser, login);
                (Some(session), Some(cookie))
            }
            Some((_, false)) | None => (None, None),
        };
        let told = session
            .as_ref()
            .and_then(|new| Told::of(&client, &new.session));

        let returned = Event::BrowserReturned {
            needs_consent,
            session: session.as_ref().map(|new| new.session.id),
        };
        let next = step(&authorization.state, returned).map_err(|_| AuthorizeRefusal::Expired)?;

        let alongside = Alongside {
            session,
            told,
            ..Alongside::default()
        };
        let redirect = self.flow.advance(authorization, next, alongside).await;
        let redirect = redirect.map_err(|reason| match reason {
            NotSaved::AlreadyAnswered => AuthorizeRefusal::Expired,
            NotSaved::UserDisabled => AuthorizeRefusal::UserDisabled,
            NotSaved::Store(error) => error.into(),
        })?;

        Ok(Redirect { cookie, ..redirect })
    }
}
