//! What becomes of an authorization code that is presented. Pure.

use super::approval::{Approval, CodeId};
use crate::clock::Timestamp;
use crate::ids::{AuthorizationId, GrantId, UserId};
use crate::oauth::model::{AnswerTo, Authorization, AuthorizationState, Hints, RedirectAnswer};
use crate::oauth::pkce;
use crate::secret::constant_time_eq;

/// What a client presents to have a code redeemed.
#[derive(Debug)]
pub(super) struct PresentedCode<'a> {
    pub(super) client_id: &'a str,
    pub(super) redirect_uri: Option<&'a str>,
    pub(super) code_verifier: Option<&'a str>,
    /// The thumbprint of the key that the request proves (RFC 9449).
    pub(super) jkt: Option<&'a str>,
}

/// What becomes of a code that was presented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CodeVerdict {
    /// It is exchanged for tokens.
    Redeem(Approval),
    /// It fails, now and later: whoever presents it should not have it.
    Burn(AuthorizationId),
    /// It was used before: what was issued for it is revoked (RFC 6749 §4.1.2).
    Revoke(IssuedGrant),
    /// It fails, and there is nothing left to do.
    Refuse,
}

/// What was issued for a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IssuedGrant {
    pub(super) id: GrantId,
    pub(super) user_id: UserId,
}

/// Decides about a code that was presented.
pub(super) fn decide(
    authorization: Authorization,
    presented: &PresentedCode<'_>,
    now: Timestamp,
) -> CodeVerdict {
    let Authorization {
        id,
        answer_to,
        state,
        client_id,
        expires_at,
        hints,
        ..
    } = authorization;

    let login = match state {
        AuthorizationState::CodeIssued { login, .. } => login,
        // Another client proves nothing about the one whose code it was, and must not be able to end
        // what that has.
        AuthorizationState::Redeemed { .. } if client_id != presented.client_id => {
            return CodeVerdict::Refuse;
        }
        AuthorizationState::Redeemed { grant_id, user_id } => {
            // That the client presents it again means that two have it.
            return CodeVerdict::Revoke(IssuedGrant {
                id: grant_id,
                user_id,
            });
        }
        AuthorizationState::WaitingForLogin
        | AuthorizationState::LoggedIn { .. }
        | AuthorizationState::WaitingForConsent(_)
        | AuthorizationState::Consented(_)
        | AuthorizationState::Refused { .. }
        | AuthorizationState::Rejected(_)
        | AuthorizationState::Burnt
        | AuthorizationState::ApplianceAllowed(_) => return CodeVerdict::Refuse,
    };

    let AnswerTo::Redirect(answer) = answer_to else {
        return CodeVerdict::Refuse;
    };

    if expires_at <= now {
        return CodeVerdict::Refuse;
    }

    if !is_for(&client_id, &answer, &hints, presented) {
        return CodeVerdict::Burn(id);
    }

    CodeVerdict::Redeem(Approval {
        code: CodeId::Authorization(id),
        login,
        scope: authorization.scope,
        resource_server: authorization.resource_server,
        nonce: answer.nonce,
    })
}

/// Whether a code that was issued to this client for this answer is presented as it has to be.
fn is_for(
    client_id: &str,
    answer: &RedirectAnswer,
    hints: &Hints,
    presented: &PresentedCode<'_>,
) -> bool {
    let is_same_client = constant_time_eq(client_id.as_bytes(), presented.client_id.as_bytes());
    let is_same_address = match presented.redirect_uri {
        Some(redirect_uri) => answer.redirect_uri == redirect_uri,
        // Needed only where the authorization request had one (RFC 6749 §4.1.3).
        None => hints.redirect_uri_omitted,
    };
    let is_same_key = answer.jkt.is_none() || answer.jkt.as_deref() == presented.jkt;

    let is_same_request = match (&answer.code_challenge, presented.code_verifier) {
        (Some(challenge), Some(verifier)) => pkce::verifies(verifier, challenge),
        (None, None) => true,
        // Somebody has taken the challenge out of the request on its way (RFC 9700 §4.8.2).
        (Some(_), None) | (None, Some(_)) => false,
    };

    is_same_client && is_same_address && is_same_key && is_same_request
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::model::{Authentication, Login};

    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const NOW: Timestamp = Timestamp::from_millis(1_000_000);
    const ID: AuthorizationId = AuthorizationId::from_bytes([1; 16]);

    fn login() -> Login {
        Login {
            user_id: "alice".parse().unwrap(),
            authentication: Authentication {
                amr: Vec::new(),
                acr: None,
                time: NOW,
                claims: None,
                session: None,
            },
        }
    }

    fn issued() -> AuthorizationState {
        AuthorizationState::CodeIssued {
            code: [3; 32],
            login: login(),
        }
    }

    fn issued_grant() -> IssuedGrant {
        IssuedGrant {
            id: GrantId::from_bytes([2; 16]),
            user_id: login().user_id,
        }
    }

    fn redeemed() -> AuthorizationState {
        let IssuedGrant { id, user_id } = issued_grant();
        AuthorizationState::Redeemed {
            grant_id: id,
            user_id,
        }
    }

    /// A code that is bound to this key, if to any.
    fn authorization(state: AuthorizationState, jkt: Option<&str>) -> Authorization {
        Authorization {
            id: ID,
            client_id: "C1".to_owned(),
            scope: "device user".to_owned(),
            resource_server: None,
            hints: Hints::default(),
            answer_to: AnswerTo::Redirect(RedirectAnswer {
                redirect_uri: "bank://login".to_owned(),
                state: None,
                nonce: Some("n".to_owned()),
                code_challenge: Some(CHALLENGE.to_owned()),
                jkt: jkt.map(str::to_owned),
            }),
            challenge: None,
            state,
            created_at: NOW,
            expires_at: Timestamp::from_millis(NOW.as_millis() + 1),
        }
    }

    fn presented() -> PresentedCode<'static> {
        PresentedCode {
            client_id: "C1",
            redirect_uri: Some("bank://login"),
            code_verifier: Some(VERIFIER),
            jkt: Some("K1"),
        }
    }

    fn approval() -> Approval {
        Approval {
            code: CodeId::Authorization(ID),
            login: login(),
            scope: "device user".to_owned(),
            resource_server: None,
            nonce: Some("n".to_owned()),
        }
    }

    #[test]
    fn a_code_is_bound_to_client_redirect_and_verifier() {
        let good = authorization(issued(), None);
        assert_eq!(
            decide(good, &presented(), NOW),
            CodeVerdict::Redeem(approval())
        );

        for wrong in [
            PresentedCode {
                client_id: "C2",
                ..presented()
            },
            PresentedCode {
                redirect_uri: Some("bank://login/"),
                ..presented()
            },
            PresentedCode {
                code_verifier: Some(&VERIFIER.to_lowercase()),
                ..presented()
            },
            PresentedCode {
                code_verifier: Some(CHALLENGE),
                ..presented()
            },
            PresentedCode {
                code_verifier: Some(""),
                ..presented()
            },
            PresentedCode {
                code_verifier: None,
                ..presented()
            },
            PresentedCode {
                redirect_uri: None,
                ..presented()
            },
        ] {
            assert_eq!(
                decide(authorization(issued(), None), &wrong, NOW),
                CodeVerdict::Burn(ID),
                "{wrong:?}"
            );

            let again = if wrong.client_id == presented().client_id {
                CodeVerdict::Revoke(issued_grant())
            } else {
                CodeVerdict::Refuse
            };
            assert_eq!(
                decide(authorization(redeemed(), None), &wrong, NOW),
                again,
                "{wrong:?}"
            );
        }
    }

    #[test]
    fn what_the_request_left_out_is_not_needed_and_cannot_be_added() {
        let mut omitted = authorization(issued(), None);
        omitted.hints.redirect_uri_omitted = true;
        let mut without_challenge = authorization(issued(), None);
        if let AnswerTo::Redirect(answer) = &mut without_challenge.answer_to {
            answer.code_challenge = None;
        }

        let without_verifier = PresentedCode {
            code_verifier: None,
            ..presented()
        };
        let without_address = PresentedCode {
            redirect_uri: None,
            ..presented()
        };
        let elsewhere = PresentedCode {
            redirect_uri: Some("bank://other"),
            ..presented()
        };

        for (authorization, presented, is_redeemed) in [
            (&omitted, &without_address, true),
            (&omitted, &presented(), true),
            (&omitted, &elsewhere, false),
            (&omitted, &without_verifier, false),
            (&without_challenge, &without_verifier, true),
            (&without_challenge, &presented(), false),
        ] {
            let verdict = decide(authorization.clone(), presented, NOW);
            let expected = match is_redeemed {
                true => CodeVerdict::Redeem(approval()),
                false => CodeVerdict::Burn(ID),
            };
            assert_eq!(verdict, expected, "{presented:?}");
        }
    }

    #[test]
    fn a_code_that_is_bound_to_a_key_takes_its_proof() {
        let bound = || authorization(issued(), Some("K1"));
        assert_eq!(
            decide(bound(), &presented(), NOW),
            CodeVerdict::Redeem(approval())
        );

        for jkt in [None, Some("K2")] {
            let presented = PresentedCode { jkt, ..presented() };
            assert_eq!(decide(bound(), &presented, NOW), CodeVerdict::Burn(ID));
        }
    }

    #[test]
    fn only_a_code_that_was_issued_and_has_not_expired_is_redeemed() {
        let late = Authorization {
            expires_at: NOW,
            ..authorization(issued(), None)
        };
        assert_eq!(decide(late, &presented(), NOW), CodeVerdict::Refuse);

        for state in [
            AuthorizationState::WaitingForLogin,
            AuthorizationState::LoggedIn {
                login: login(),
                remember: true,
            },
            AuthorizationState::WaitingForConsent(login()),
            AuthorizationState::Consented(login()),
            AuthorizationState::Rejected(Some(login())),
            AuthorizationState::Burnt,
            AuthorizationState::ApplianceAllowed(login()),
        ] {
            let other = authorization(state, None);
            assert_eq!(decide(other, &presented(), NOW), CodeVerdict::Refuse);
        }

        assert_eq!(
            decide(authorization(redeemed(), None), &presented(), NOW),
            CodeVerdict::Revoke(issued_grant())
        );
    }
}
