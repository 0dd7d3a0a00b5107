//! What may follow what on a user's way to a code. Pure.

use crate::oauth::model::{AuthorizationState, Login};

/// What happens to an authorization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// The login page, or a login that the browser remembers, says who the user is.
    LoggedIn {
        login: Login,
        /// Whether the browser is to remember the login.
        remember: bool,
    },
    /// The browser has come by to be told to remember the login.
    BrowserReturned,
    /// The user allows what the client asks for.
    Consented,
    /// The login page or the consent page refuses.
    Rejected(Reason),
}

/// What a client is told when it gets no code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reason {
    /// The code on the wire (RFC 6749 §4.1.2.1).
    pub(super) error: &'static str,
    pub(super) description: Option<String>,
}

/// What has to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Send the browser to the login page.
    AskLogin,
    /// Have the browser come by, to be told to remember the login.
    RememberLogin(Login),
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
pub(super) fn step(
    state: &AuthorizationState,
    event: Event,
    needs_consent: bool,
) -> Result<Step, Refusal> {
    use AuthorizationState as State;

    match (state, event) {
        (State::WaitingForLogin, Event::LoggedIn { login, remember }) => Ok(if remember {
            Step::RememberLogin(login)
        } else {
            after_login(login, needs_consent)
        }),
        (State::LoginRemembered(login), Event::BrowserReturned) => {
            Ok(after_login(login.clone(), needs_consent))
        }
        (State::WaitingForConsent(login), Event::Consented) => Ok(Step::Allow(login.clone())),

        (State::WaitingForLogin, Event::Rejected(reason)) => Ok(Step::Deny(None, reason)),
        (State::WaitingForConsent(login), Event::Rejected(reason)) => {
            Ok(Step::Deny(Some(login.clone()), reason))
        }

        (State::WaitingForLogin, Event::BrowserReturned | Event::Consented)
        | (
            State::LoginRemembered(_),
            Event::LoggedIn { .. } | Event::Consented | Event::Rejected(_),
        )
        | (State::WaitingForConsent(_), Event::LoggedIn { .. } | Event::BrowserReturned)
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
            },
        }
    }

    fn reason() -> Reason {
        Reason {
            error: "access_denied",
            description: None,
        }
    }

    #[test]
    fn each_event_leads_where_the_table_says() {
        use AuthorizationState as State;

        let states = || {
            let code = [1; 32];
            [
                State::WaitingForLogin,
                State::LoginRemembered(login()),
                State::WaitingForConsent(login()),
                State::CodeIssued {
                    code,
                    login: login(),
                },
                State::Redeemed {
                    grant_id: GrantId::from_bytes([2; 16]),
                    user_id: login().user_id,
                },
                State::Rejected(None),
                State::Burnt,
                State::ApplianceAllowed(login()),
            ]
        };

        let logged_in = |remember| Event::LoggedIn {
            login: login(),
            remember,
        };
        let events = || {
            [
                logged_in(false),
                logged_in(true),
                Event::BrowserReturned,
                Event::Consented,
                Event::Rejected(reason()),
            ]
        };

        for needs_consent in [false, true] {
            let known = if needs_consent {
                Step::AskConsent(login())
            } else {
                Step::Allow(login())
            };

            for state in states() {
                for event in events() {
                    let expected = match (&state, &event) {
                        (State::WaitingForLogin, Event::LoggedIn { remember: true, .. }) => {
                            Ok(Step::RememberLogin(login()))
                        }
                        (State::WaitingForLogin, Event::LoggedIn { .. })
                        | (State::LoginRemembered(_), Event::BrowserReturned) => Ok(known.clone()),
                        (State::WaitingForConsent(_), Event::Consented) => Ok(Step::Allow(login())),
                        (State::WaitingForLogin, Event::Rejected(_)) => {
                            Ok(Step::Deny(None, reason()))
                        }
                        (State::WaitingForConsent(_), Event::Rejected(_)) => {
                            Ok(Step::Deny(Some(login()), reason()))
                        }
                        _ => Err(Refusal::AlreadyAnswered),
                    };

                    assert_eq!(
                        step(&state, event.clone(), needs_consent),
                        expected,
                        "{state:?} {event:?} {needs_consent}"
                    );
                }
            }
        }
    }
}
