//! A user's way from what a client asks to what it gets: one step after the other, each saved with
//! what comes along.

use super::browser::Redirect;
use super::persist::{self, Alongside, NotSaved, Told};
use super::state::{Step, after_login};
use super::steps::{Stepped, Steps};
use crate::base::Base;
use crate::oauth::clients::Client;
use crate::oauth::model::{AnswerTo, Authorization, Login, LoginSession};
use crate::store::StoreError;
use crate::users::events::EventType;

/// Takes authorizations from step to step.
pub(super) struct Flow {
    pub(super) base: Base,
    pub(super) steps: Steps,
}

impl Flow {
    /// Begins an authorization with the login page. Gives where the browser goes.
    pub(super) async fn begin(&self, authorization: Authorization) -> Result<Redirect, NotSaved> {
        let stepped = self.steps.carry_out(authorization, Step::AskLogin);
        self.save(None, stepped, Alongside::default()).await
    }

    /// Begins an authorization whose user the browser remembers. `None` where that user is
    /// disabled: somebody else may log in.
    pub(super) async fn begin_with_login(
        &self,
        client: &Client,
        authorization: Authorization,
        session: LoginSession,
        needs_consent: bool,
    ) -> Result<Option<Redirect>, NotSaved> {
        let told = Told::of(client, &session);
        let login = session.login;

        let event = client.event(
            EventType::AuthzRequestGrantCreated,
            Some(&login.user_id),
            self.base.clock.now(),
            self.base.random.as_ref(),
        );

        let alongside = Alongside {
            events: vec![event],
            told,
            ..Alongside::default()
        };

        let first = after_login(login, needs_consent);
        let stepped = self.steps.carry_out(authorization, first);

        match self.save(None, stepped, alongside).await {
            Ok(redirect) => Ok(Some(redirect)),
            // Found out by the commit itself, so that no user is disabled between a check and the
            // save.
            Err(NotSaved::UserDisabled) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Takes the next step. Gives where the browser goes.
    pub(super) async fn advance(
        &self,
        authorization: Authorization,
        next: Step,
        alongside: Alongside,
    ) -> Result<Redirect, NotSaved> {
        // The save needs the authorization as it was, too: it is refused where another request has
        // taken a step since it was read.
        let stepped = self.steps.carry_out(authorization.clone(), next);
        self.save(Some(&authorization), stepped, alongside).await
    }

    async fn save(
        &self,
        before: Option<&Authorization>,
        stepped: Stepped,
        alongside: Alongside,
    ) -> Result<Redirect, NotSaved> {
        let Stepped {
            authorization,
            redirect,
            appliance,
        } = stepped;

        let alongside = Alongside {
            appliance,
            ..alongside
        };

        persist::save(&self.base.store, before, authorization, alongside).await?;

        Ok(redirect)
    }

    /// Whether the user has to be asked for consent.
    pub(super) async fn needs_consent(
        &self,
        client: &Client,
        authorization: &Authorization,
        login: &Login,
    ) -> Result<bool, StoreError> {
        // First of all: a client that asks for the page gets it, even if it is configured to skip
        // it.
        if authorization.hints.prompts("consent") {
            return Ok(true);
        }

        if client.skips_consent() {
            return Ok(false);
        }

        // Nobody knows who has sent the user an appliance's code (RFC 8628 §5.4).
        if matches!(authorization.answer_to, AnswerTo::Appliance(_)) {
            return Ok(true);
        }

        let party = client.party();
        let consent = persist::find_consent(&self.base.store, &login.user_id, party).await?;
        Ok(!consent.is_some_and(|consent| consent.covers(&authorization.scope)))
    }
}
