//! Consent requests: the consent page, an API client, learns what a user is asked to allow and says
//! what the user allows.

use std::sync::Arc;

use super::error::PageRequestError;
use super::flow::Flow;
use super::page_request::{PageRequests, RequestedScope, RequestingInstallation};
use super::persist::{Alongside, GivenConsent};
use super::rejection::Rejection;
use super::state::{Event, step};
use crate::base::Base;
use crate::clock::Timestamp;
use crate::ids::ConsentId;
use crate::oauth::model::{Authorization, AuthorizationState, Consent, Login};
use crate::oauth::scope;
use crate::secret::TokenKind;
use crate::users::events::EventType;

/// What a consent page is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentRequest {
    pub client_id: String,
    pub client_name: String,
    /// Where the client is an installation of an application.
    pub installation: Option<RequestingInstallation>,
    /// Where an appliance asks: the code that it shows.
    pub user_code: Option<String>,
    pub subject: String,
    /// The requested scopes, separated by spaces.
    pub scope: String,
    pub scopes: Vec<RequestedScope>,
    /// The languages the user prefers.
    pub ui_locales: Option<String>,
    pub requested_at: Timestamp,
    /// Until when the consent page may answer.
    pub expires_at: Timestamp,
}

/// The user consents.
#[derive(Clone, Debug, Default)]
pub struct AcceptConsent {
    /// Some of the requested scopes; all of them where it is not given.
    pub granted_scopes: Option<Vec<String>>,
    /// Whether the user is not to be asked again for the same.
    pub remember: bool,
}

/// Answers consent pages.
pub struct Consents {
    pub(super) base: Base,
    pub(super) requests: Arc<PageRequests>,
    pub(super) flow: Arc<Flow>,
}

impl Consents {
    /// What the consent page that was called with this `consent_challenge` is asked for.
    pub async fn request(&self, challenge: &str) -> Result<ConsentRequest, PageRequestError> {
        let (authorization, login) = self.find(challenge).await?;
        let client = self.requests.client_of(&authorization).await?;

        Ok(ConsentRequest {
            client_name: client.name().to_owned(),
            installation: RequestingInstallation::of(&client),
            user_code: self.requests.user_code(&authorization),
            subject: login.user_id.into(),
            scopes: self.requests.describe(&authorization.scope),
            ui_locales: authorization.hints.ui_locales,
            client_id: authorization.client_id,
            scope: authorization.scope,
            requested_at: authorization.created_at,
            expires_at: authorization.expires_at,
        })
    }

    /// The user consents. Gives the address the user's browser goes to.
    pub async fn accept(
        &self,
        challenge: &str,
        answer: &AcceptConsent,
    ) -> Result<String, PageRequestError> {
        let (mut authorization, login) = self.find(challenge).await?;
        let client = self.requests.client_of(&authorization).await?;

        let granted = granted(&authorization.scope, answer.granted_scopes.as_deref())?;
        // The page may forget what a device needs to act for its user at all.
        let granted = client.with_always_granted(&granted);
        self.check_granted(&authorization, &granted)?;
        // Kept beside what was granted: what was asked for and left out is taken back, if an
        // earlier consent had it (see `Consent::beside`).
        let asked = std::mem::replace(&mut authorization.scope, granted.clone());

        let (now, random) = (self.base.clock.now(), self.base.random.as_ref());
        let event = client.event(EventType::ConsentGiven, Some(&login.user_id), now, random);

        let consent = answer.remember.then(|| GivenConsent {
            consent: Consent {
                id: ConsentId::new(now, random),
                user_id: login.user_id,
                party: client.party().to_owned(),
                scope: granted,
                created_at: now,
                updated_at: now,
            },
            asked,
        });

        let next = step(&authorization.state, Event::Consented)?;

        let alongside = Alongside {
            events: vec![event],
            consent,
            ..Alongside::default()
        };

        let redirect = self.flow.advance(authorization, next, alongside).await?;
        Ok(redirect.address)
    }

    /// The user does not consent. Gives the address the user's browser goes to with the reason.
    pub async fn reject(
        &self,
        challenge: &str,
        rejection: &Rejection,
    ) -> Result<String, PageRequestError> {
        let reason = rejection.reason()?;
        let (authorization, _) = self.find(challenge).await?;

        let next = step(&authorization.state, Event::Refused(reason))?;
        let alongside = Alongside::default();
        let redirect = self.flow.advance(authorization, next, alongside).await?;
        Ok(redirect.address)
    }

    async fn find(&self, challenge: &str) -> Result<(Authorization, Login), PageRequestError> {
        let waiting = |state: &AuthorizationState| match state {
            AuthorizationState::WaitingForConsent(login) => Some(login.clone()),
            _ => None,
        };
        self.requests
            .find(challenge, TokenKind::ConsentChallenge, waiting)
            .await
    }

    /// A scope must be left that the resource server takes.
    fn check_granted(
        &self,
        authorization: &Authorization,
        granted: &str,
    ) -> Result<(), PageRequestError> {
        let settings = self.base.settings.load();
        let server = authorization
            .resource_server
            .as_ref()
            .and_then(|id| settings.resource_servers.get(id));

        // Found out only at the token endpoint, it would be an error that nobody can explain to the
        // user.
        match scope::for_resource_server(granted, server.map(AsRef::as_ref)) {
            Ok(_) => Ok(()),
            Err(_) => Err(PageRequestError::invalid(
                "granted_scopes",
                "leave nothing for the resource server; reject instead.",
            )),
        }
    }
}

/// The scopes of `asked` that are granted, in its order.
fn granted(asked: &str, granted: Option<&[String]>) -> Result<String, PageRequestError> {
    let invalid = |problem| PageRequestError::invalid("granted_scopes", problem);

    let Some(granted) = granted else {
        return Ok(asked.to_owned());
    };

    if granted.is_empty() {
        return Err(invalid(
            "must name at least one; reject the request instead.",
        ));
    }

    if !granted.iter().all(|name| scope::contains(asked, name)) {
        return Err(invalid("must be among those asked for."));
    }

    let names = asked
        .split(' ')
        .filter(|name| granted.iter().any(|one| one == name));
    Ok(names.collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_granted_is_among_what_is_asked() {
        let names = |names: &[&str]| {
            names
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>()
        };

        assert_eq!(granted("a b c", None), Ok("a b c".to_owned()));

        assert_eq!(
            granted("a b c", Some(&names(&["c", "a", "a"]))),
            Ok("a c".to_owned())
        );

        for refused in [
            names(&[]),
            names(&["d"]),
            names(&["a", "d"]),
            names(&[""]),
            names(&["a b"]),
        ] {
            assert!(granted("a b c", Some(&refused)).is_err(), "{refused:?}");
        }
    }
}
