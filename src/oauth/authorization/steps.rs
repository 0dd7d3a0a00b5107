//! What each step makes of an authorization: the new state, where the browser goes next, what an
//! appliance is told.

use std::sync::Arc;
use std::time::Duration;

use super::browser::Redirect;
use super::error::AuthorizationError;
use super::pages::Pages;
use super::redirect::{self, Answering};
use super::state::Step;
use super::verifier;
use crate::base::Base;
use crate::clock::Timestamp;
use crate::oauth::issuer::Issuer;
use crate::oauth::model::{
    AnswerTo, ApplianceAnswer, Authorization, AuthorizationState, Login, Reason, RedirectAnswer,
};
use crate::secret::{OpaqueToken, TokenHash, TokenKind};

/// How long a user may take to log in, and then to consent.
pub(super) const PAGE_TIME_TO_LIVE: Duration = Duration::from_secs(600);
/// How long a browser may take from a page's answer back to this server, at least.
const RETURN_TIME_TO_LIVE: Duration = Duration::from_secs(60);
/// How long a code may take to come back.
const CODE_TIME_TO_LIVE: Duration = Duration::from_secs(60);

const NO_LOGIN_PAGE: AuthorizationError =
    AuthorizationError::new("server_error", "No login page is configured on the server.");
const NO_CONSENT_PAGE: AuthorizationError = AuthorizationError::new(
    "server_error",
    "No consent page is configured on the server.",
);

/// Carries out steps.
pub(super) struct Steps {
    pub(super) base: Base,
    pub(super) issuer: Issuer,
    pub(super) pages: Arc<Pages>,
}

/// An authorization after a step, still to be saved.
pub(super) struct Stepped {
    pub(super) authorization: Authorization,
    /// Where the browser goes next, without a cookie.
    pub(super) redirect: Redirect,
    pub(super) appliance: Option<ApplianceAnswer>,
}

impl Steps {
    pub(super) fn carry_out(&self, authorization: Authorization, step: Step) -> Stepped {
        match step {
            Step::AskLogin => self.ask_login(authorization),
            Step::AwaitBrowser(state) => self.await_browser(authorization, state),
            Step::AskConsent(login) => self.ask_consent(authorization, login),
            Step::Allow(login) => self.allow(authorization, login),
            Step::Deny(login, reason) => self.deny(authorization, login, &reason),
        }
    }

    fn ask_login(&self, authorization: Authorization) -> Stepped {
        // The client is told that the server is not set up, instead of the user.
        let Some(page) = &self.pages.login else {
            return self.deny(authorization, None, &NO_LOGIN_PAGE.into());
        };
        let (challenge, address) =
            self.challenge(TokenKind::LoginChallenge, page.as_str(), "login_challenge");

        Stepped {
            authorization: Authorization {
                challenge: Some(challenge),
                state: AuthorizationState::WaitingForLogin,
                ..authorization
            },
            redirect: Redirect::to(address),
            appliance: None,
        }
    }

    /// A page has answered: by way of this server, which recognises the browser.
    fn await_browser(&self, authorization: Authorization, state: AuthorizationState) -> Stepped {
        let resume = self.issuer.at("/oauth/authorize/resume");
        let verifier = verifier::text(&self.base.keyring, &authorization);
        let parameters = [("verifier", Some(verifier.expose()))];
        let address = redirect::with_parameters(&resume, &parameters);

        // Who answered at the last moment can still come back.
        let expires_at = match &authorization.answer_to {
            AnswerTo::Appliance(_) => authorization.expires_at,
            AnswerTo::Redirect(_) => {
                let in_time = self.in_future(RETURN_TIME_TO_LIVE);
                authorization.expires_at.max(in_time)
            }
        };

        Stepped {
            authorization: Authorization {
                state,
                expires_at,
                ..authorization
            },
            redirect: Redirect::to(address),
            appliance: None,
        }
    }

    fn ask_consent(&self, authorization: Authorization, login: Login) -> Stepped {
        let Some(page) = &self.pages.consent else {
            return self.deny(authorization, Some(login), &NO_CONSENT_PAGE.into());
        };
        let (challenge, address) = self.challenge(
            TokenKind::ConsentChallenge,
            page.as_str(),
            "consent_challenge",
        );

        // An appliance does not wait any longer because its user takes time.
        let expires_at = match &authorization.answer_to {
            AnswerTo::Appliance(_) => authorization.expires_at,
            AnswerTo::Redirect(_) => self.in_future(PAGE_TIME_TO_LIVE),
        };

        Stepped {
            authorization: Authorization {
                challenge: Some(challenge),
                state: AuthorizationState::WaitingForConsent(login),
                expires_at,
                ..authorization
            },
            redirect: Redirect::to(address),
            appliance: None,
        }
    }

    fn allow(&self, authorization: Authorization, login: Login) -> Stepped {
        match &authorization.answer_to {
            AnswerTo::Redirect(answer) => {
                let code = self.secret(TokenKind::AuthorizationCode);
                let redirect = self.answering(&authorization, answer).with_code(&code.text);

                Stepped {
                    authorization: Authorization {
                        state: AuthorizationState::CodeIssued {
                            code: code.hash,
                            login,
                        },
                        // Far below the ten minutes of RFC 6749 §4.1.2: a redirect takes seconds,
                        // and a code that leaks is of use until then.
                        expires_at: self.in_future(CODE_TIME_TO_LIVE),
                        ..authorization
                    },
                    redirect,
                    appliance: None,
                }
            }
            AnswerTo::Appliance(code) => Stepped {
                redirect: self.appliance_page("allowed"),
                appliance: Some(ApplianceAnswer {
                    code: *code,
                    allowed: true,
                    scope: authorization.scope.clone(),
                    login: Some(login.clone()),
                }),
                authorization: Authorization {
                    state: AuthorizationState::ApplianceAllowed(login),
                    ..authorization
                },
            },
        }
    }

    fn deny(&self, authorization: Authorization, login: Option<Login>, reason: &Reason) -> Stepped {
        let (redirect, appliance) = match &authorization.answer_to {
            AnswerTo::Redirect(answer) => {
                let answering = self.answering(&authorization, answer);
                (answering.with_reason(reason), None)
            }
            AnswerTo::Appliance(code) => {
                let answer = ApplianceAnswer {
                    code: *code,
                    allowed: false,
                    scope: authorization.scope.clone(),
                    login: login.clone(),
                };

                (self.appliance_page("denied"), Some(answer))
            }
        };

        Stepped {
            authorization: Authorization {
                state: AuthorizationState::Rejected(login),
                ..authorization
            },
            redirect,
            appliance,
        }
    }

    fn answering<'a>(
        &'a self,
        authorization: &Authorization,
        answer: &'a RedirectAnswer,
    ) -> Answering<'a> {
        Answering {
            issuer: &self.issuer,
            redirect_uri: &answer.redirect_uri,
            state: answer.state.as_deref(),
            form_post: authorization.hints.form_post,
        }
    }

    /// A new secret of this kind: its hash, and `page` with its text as a parameter.
    fn challenge(&self, kind: TokenKind, page: &str, parameter: &str) -> (TokenHash, String) {
        let OpaqueToken { text, hash } = self.secret(kind);
        let address = redirect::with_parameters(page, &[(parameter, Some(text.expose()))]);
        (hash, address)
    }

    fn secret(&self, kind: TokenKind) -> OpaqueToken {
        OpaqueToken::new(&self.base.keyring, kind, self.base.random.as_ref())
    }

    fn in_future(&self, duration: Duration) -> Timestamp {
        self.base.clock.now().after(duration)
    }

    /// Where the user of an appliance is told how it went.
    fn appliance_page(&self, result: &str) -> Redirect {
        let page = format!("/oauth/device/done?result={result}");
        Redirect::to(self.issuer.at(&page))
    }
}
