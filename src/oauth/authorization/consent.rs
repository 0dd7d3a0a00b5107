//! Consent requests: the consent page, an API client, learns what a user is to allow and says what
//! the user allows.

use super::check::always_granted;
use super::hints::Hints;
use super::login::{RejectLogin, check_rejection};
use super::page::{Installed, PageRequestError, ScopeAsked, invalid};
use super::persist::{self, ConsentGiven, Saving};
use super::state::{Ahead, AuthorizationStatus, Step, step};
use crate::clock::Timestamp;
use crate::ids::uuid_v7;
use crate::oauth::{TokenServer, scope};
use crate::secret::TokenKind;
use crate::store::rows::{AuthorizationRow, ConsentRow};
use crate::users::events::EventType;

/// What a consent page is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentRequest {
    /// The web client or the installation.
    pub client_id: String,
    pub client_name: String,
    /// Where the client is an installation.
    pub installed: Option<Installed>,
    pub subject: String,
    /// The scopes asked for.
    pub scope: String,
    pub scopes: Vec<ScopeAsked>,
    /// The languages the user prefers.
    pub ui_locales: Option<String>,
    /// When the client asked.
    pub requested_at: Timestamp,
    /// Until when the consent page may answer.
    pub expires_at: Timestamp,
}

/// The user allows it.
#[derive(Clone, Debug, Default)]
pub struct AcceptConsent {
    /// Which of the scopes; all of them without it.
    pub granted_scopes: Option<Vec<String>>,
    /// Whether the user is not to be asked again for the same.
    pub remember: bool,
}

const WAITING: AuthorizationStatus = AuthorizationStatus::WaitingForConsent;

impl TokenServer {
    /// What the consent page that was called with this `consent_challenge` is asked for.
    pub async fn consent_request(
        &self,
        challenge: &str,
    ) -> Result<ConsentRequest, PageRequestError> {
        let row = self
            .waiting(challenge, TokenKind::ConsentChallenge, WAITING)
            .await?;
        let client = self.client_of(&row).await?;
        Ok(ConsentRequest {
            client_name: client.name().to_owned(),
            installed: Installed::of(&client),
            subject: row.user_id.clone().ok_or(PageRequestError::NotFound)?,
            scopes: self.scopes_asked(&row.scope),
            ui_locales: Hints::of(&row).ui_locales,
            client_id: row.client_id,
            scope: row.scope,
            requested_at: Timestamp::from_millis(row.created_at),
            expires_at: Timestamp::from_millis(row.expires_at),
        })
    }

    /// The user allows it. Gives the address the user's browser goes on to.
    pub async fn accept_consent(
        &self,
        challenge: &str,
        answer: &AcceptConsent,
    ) -> Result<String, PageRequestError> {
        let row = self
            .waiting(challenge, TokenKind::ConsentChallenge, WAITING)
            .await?;
        let client = self.client_of(&row).await?;
        let user_id = row.user_id.clone().ok_or(PageRequestError::NotFound)?;
        let granted = always_granted(
            &client,
            &granted(&row.scope, answer.granted_scopes.as_deref())?,
        );
        self.check_granted(&row, &granted)?;
        let now = self.0.base.clock.now();
        let consent = ConsentRow {
            id: uuid_v7(now, self.0.base.random.as_ref())
                .into_bytes()
                .to_vec(),
            user_id,
            client: client.party().to_owned(),
            scope: granted.clone(),
            created_at: now.as_millis(),
            updated_at: now.as_millis(),
        };
        let event = self.token_event(
            EventType::ConsentGiven,
            &client,
            row.user_id.as_deref(),
            now,
        );
        let asked = row.scope.clone();
        let ahead = Ahead {
            consent: false,
            for_device: row.device_code_id.is_some(),
        };
        let arrived = self.arrive(
            AuthorizationRow {
                scope: granted,
                ..row
            },
            step(WAITING, Step::Consent, ahead)?,
        );
        let saving = Saving {
            row: arrived.row,
            from: Some(WAITING),
            events: vec![event],
            consent: answer.remember.then_some(ConsentGiven {
                row: consent,
                asked,
            }),
            device: arrived.device,
            ..Saving::default()
        };
        persist::save(&self.0.base.store, saving).await?;
        Ok(arrived.address)
    }

    /// The user does not allow it. Gives the address the user's browser goes on to, with the
    /// reason.
    pub async fn reject_consent(
        &self,
        challenge: &str,
        answer: &RejectLogin,
    ) -> Result<String, PageRequestError> {
        let error = check_rejection(answer)?;
        let row = self
            .waiting(challenge, TokenKind::ConsentChallenge, WAITING)
            .await?;
        self.reject(row, WAITING, error, answer.error_description.as_deref())
            .await
    }

    /// Something must be left for the resource server the tokens are for.
    fn check_granted(&self, row: &AuthorizationRow, granted: &str) -> Result<(), PageRequestError> {
        let settings = self.0.base.settings.load();
        let server = row
            .resource_server
            .as_ref()
            .and_then(|id| settings.resource_servers.get(id));
        let left = scope::for_resource_server(granted, server.map(AsRef::as_ref));
        left.map(drop).map_err(|_| {
            invalid(
                "granted_scopes",
                "leave nothing for the resource server; reject instead.",
            )
        })
    }
}

/// The scopes of `asked` that are granted, in its order.
fn granted(asked: &str, granted: Option<&[String]>) -> Result<String, PageRequestError> {
    let Some(granted) = granted else {
        return Ok(asked.to_owned());
    };
    if granted.is_empty() {
        return Err(invalid(
            "granted_scopes",
            "must name at least one; reject the request instead.",
        ));
    }
    if !granted.iter().all(|name| scope::contains(asked, name)) {
        return Err(invalid("granted_scopes", "must be among those asked for."));
    }
    let names = asked
        .split(' ')
        .filter(|name| granted.iter().any(|one| one == name));
    Ok(names.collect::<Vec<_>>().join(" "))
}

/// What is remembered after a user who had allowed `before` was asked for `asked` and allowed
/// `granted`.
pub(super) fn remembered(before: &str, asked: &str, granted: &str) -> String {
    let kept = before
        .split(' ')
        .filter(|name| !scope::contains(asked, name))
        .collect::<Vec<_>>()
        .join(" ");
    scope::union(&kept, granted)
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

    #[test]
    fn what_is_not_granted_again_is_not_remembered_any_more() {
        for (before, asked, granted, expected) in [
            ("", "a b", "a b", "a b"),
            ("a", "b", "b", "a b"),
            ("a b", "a b", "a", "a"),
            ("a b c", "b", "b", "a c b"),
        ] {
            assert_eq!(remembered(before, asked, granted), expected);
        }
    }
}
