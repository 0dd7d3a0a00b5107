//! What may follow what on a user's way to a code. Pure.
//!
//! What a page says counts once the browser that began has come back. So nobody can answer a page for
//! somebody else, whose browser would go on as a user that it does not know (RFC 9700 §4.7).

use crate::ids::LoginSessionId;
use crate::oauth::model::{AuthorizationState, Login, Reason};

/// What happens to an authorization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// The login page says who the user is.
    LoggedIn {
        login: Login,
        /// Whether the browser is to remember the login.
        remember: bool,
    },
    /// The user allows what the client asks for.
    Consented,
    /// The login page or the consent page refuses.
    Refused(Reason),
    /// The browser that began has come back from a page.
    BrowserReturned {
        /// Whether the user has to be asked for consent, where that was not done.
        needs_consent: bool,
        /// Where it remembers the login from now on.
        session: Option<LoginSessionId>,
    },
}

/// What has to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Send the browser to the login page.
    AskLogin,
    /// Have the browser come back, with what a page has said as the state until then.
    AwaitBrowser(AuthorizationState),
    /// Send the browser to the consent page.
    AskConsent(Login),
    /// Give the client its code, or the appliance its tokens.
    Allow(Login),
    /// Tell the client, or the appliance, that there is none. The user may not be known yet.
    Deny(Option<Login>, Reason),
}

/// Why nothing happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    AlreadyAnswered,
}

/// Where an event leads.
pub(super) fn step(state: &AuthorizationState, event: Event) -> Result<Step, Refusal> {
    use AuthorizationState as State;

    match (state, event) {
        (State::WaitingForLogin, Event::LoggedIn { login, remember }) => {
            Ok(Step::AwaitBrowser(State::LoggedIn { login, remember }))
        }
        (State::WaitingForConsent(login), Event::Consented) => {
            Ok(Step::AwaitBrowser(State::Consented(login.clone())))
        }
        (State::WaitingForLogin, Event::Refused(reason)) => {
            let login = None;
            Ok(Step::AwaitBrowser(State::Refused { login, reason }))
        }
        (State::WaitingForConsent(login), Event::Refused(reason)) => {
            let login = Some(login.clone());
            Ok(Step::AwaitBrowser(State::Refused { login, reason }))
        }

        (
            State::LoggedIn { login, .. },
            Event::BrowserReturned {
                needs_consent,
                session,
            },
        ) => Ok(after_login(
            login.clone().in_session(session),
            needs_consent,
        )),
        (State::Consented(login), Event::BrowserReturned { .. }) => Ok(Step::Allow(login.clone())),
        (State::Refused { login, reason }, Event::BrowserReturned { .. }) => {
            Ok(Step::Deny(login.clone(), reason.clone()))
        }

        (State::WaitingForLogin, Event::Consented | Event::BrowserReturned { .. })
        | (State::WaitingForConsent(_), Event::LoggedIn { .. } | Event::BrowserReturned { .. })
        | (
            State::LoggedIn { .. } | State::Consented(_) | State::Refused { .. },
            Event::LoggedIn { .. } | Event::Consented | Event::Refused(_),
        )
        | (
            State::CodeIssued { .. }
            | State::Redeemed { .. }
            | State::Rejected(_)
            | State::Burnt
            | State::ApplianceAllowed(_),
            _,
        ) => Err(Refusal::AlreadyAnswered),
    }
}

/// Where an authorization goes whose user is known: the first step, where the browser remembers the
/// login.
pub(super) fn after_login(login: Login, needs_consent: bool) -> Step {
    if needs_consent {
        Step::AskConsent(login)
    } else {
        Step::Allow(login)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::ids::GrantId;
    use crate::oauth::model::Authentication;

    fn login() -> Login {
        Login {
            user_id: "alice".parse().unwrap(),
            authentication: Authentication {
                amr: vec!["pwd".to_owned()],
                acr: None,
                time: Timestamp::from_millis(0),
                claims: None,
                session: None,
            },
        }
    }

    fn reason() -> Reason {
        Reason {
            error: "access_denied".to_owned(),
            description: None,
        }
    }

    #[test]
    fn each_event_leads_where_the_table_says() {
        use AuthorizationState as State;

        let logged_in = |remember| State::LoggedIn {
            login: login(),
            remember,
        };
        let refused = |login| State::Refused {
            login,
            reason: reason(),
        };

        let states = [
            State::WaitingForLogin,
            logged_in(false),
            logged_in(true),
            State::WaitingForConsent(login()),
            State::Consented(login()),
            refused(None),
            refused(Some(login())),
            State::CodeIssued {
                code: [1; 32],
                login: login(),
            },
            State::Redeemed {
                grant_id: GrantId::from_bytes([2; 16]),
                user_id: login().user_id,
            },
            State::Rejected(None),
            State::Burnt,
            State::ApplianceAllowed(login()),
        ];

        let says_who = |remember| Event::LoggedIn {
            login: login(),
            remember,
        };
        let returned = |needs_consent| Event::BrowserReturned {
            needs_consent,
            session: None,
        };
        let events = [
            says_who(false),
            says_who(true),
            Event::Consented,
            Event::Refused(reason()),
            returned(false),
            returned(true),
        ];

        let await_browser = |state| Ok(Step::AwaitBrowser(state));
        let table = [
            (
                State::WaitingForLogin,
                says_who(false),
                await_browser(logged_in(false)),
            ),
            (
                State::WaitingForLogin,
                says_who(true),
                await_browser(logged_in(true)),
            ),
            (
                State::WaitingForLogin,
                Event::Refused(reason()),
                await_browser(refused(None)),
            ),
            (
                State::WaitingForConsent(login()),
                Event::Consented,
                await_browser(State::Consented(login())),
            ),
            (
                State::WaitingForConsent(login()),
                Event::Refused(reason()),
                await_browser(refused(Some(login()))),
            ),
            (logged_in(false), returned(false), Ok(Step::Allow(login()))),
            (logged_in(true), returned(false), Ok(Step::Allow(login()))),
            (
                logged_in(false),
                returned(true),
                Ok(Step::AskConsent(login())),
            ),
            (
                logged_in(true),
                returned(true),
                Ok(Step::AskConsent(login())),
            ),
            (
                State::Consented(login()),
                returned(false),
                Ok(Step::Allow(login())),
            ),
            // What the consent page has said is not asked again.
            (
                State::Consented(login()),
                returned(true),
                Ok(Step::Allow(login())),
            ),
            (
                refused(None),
                returned(false),
                Ok(Step::Deny(None, reason())),
            ),
            (
                refused(None),
                returned(true),
                Ok(Step::Deny(None, reason())),
            ),
            (
                refused(Some(login())),
                returned(false),
                Ok(Step::Deny(Some(login()), reason())),
            ),
            (
                refused(Some(login())),
                returned(true),
                Ok(Step::Deny(Some(login()), reason())),
            ),
        ];

        for state in &states {
            for event in &events {
                let row = table
                    .iter()
                    .find(|(from, cause, _)| (from, cause) == (state, event));
                let expected = match row {
                    Some((_, _, expected)) => expected.clone(),
                    None => Err(Refusal::AlreadyAnswered),
                };

                assert_eq!(step(state, event.clone()), expected, "{state:?} {event:?}");
            }
        }
    }
}
