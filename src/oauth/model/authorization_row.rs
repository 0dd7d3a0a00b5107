//! Authorizations, from their rows and to them.

use crate::clock::Timestamp;
use crate::ids::{AuthorizationId, DeviceCodeId, GrantId};
use crate::store::CorruptRow;
use crate::store::journal::{AuthorizationStep, CodeRedemption};
use crate::store::rows::{AuthenticationColumns, AuthorizationRow};

use super::authorization::{AnswerTo, Authorization, AuthorizationState, RedirectAnswer};
use super::hints::Hints;
use super::login::Login;

mod status {
    pub(super) const WAITING_FOR_LOGIN: i16 = 0;
    pub(super) const CODE_ISSUED: i16 = 1;
    pub(super) const REDEEMED: i16 = 2;
    pub(super) const REJECTED: i16 = 3;
    pub(super) const BURNT: i16 = 4;
    pub(super) const WAITING_FOR_CONSENT: i16 = 5;
    pub(super) const LOGGED_IN_REMEMBERED: i16 = 6;
    pub(super) const APPLIANCE_ALLOWED: i16 = 7;
    pub(super) const LOGGED_IN: i16 = 8;
    pub(super) const CONSENTED: i16 = 9;
    pub(super) const REFUSED: i16 = 10;
}

/// The column's value for a state.
fn status_of(state: &AuthorizationState) -> i16 {
    use AuthorizationState as State;

    match state {
        State::WaitingForLogin => status::WAITING_FOR_LOGIN,
        State::LoggedIn { remember: true, .. } => status::LOGGED_IN_REMEMBERED,
        State::LoggedIn {
            remember: false, ..
        } => status::LOGGED_IN,
        State::WaitingForConsent(_) => status::WAITING_FOR_CONSENT,
        State::Consented(_) => status::CONSENTED,
        State::Refused { .. } => status::REFUSED,
        State::CodeIssued { .. } => status::CODE_ISSUED,
        State::Redeemed { .. } => status::REDEEMED,
        State::Rejected(_) => status::REJECTED,
        State::Burnt => status::BURNT,
        State::ApplianceAllowed(_) => status::APPLIANCE_ALLOWED,
    }
}

impl Authorization {
    pub(crate) fn from_row(mut row: AuthorizationRow) -> Result<Self, CorruptRow> {
        // Taken out first, as `corrupt` borrows the row to name it.
        let answer_to = read_answer_to(&mut row);
        let state = read_state(&mut row);
        let corrupt = || CorruptRow::new("authorizations", &row.id);

        Ok(Self {
            id: AuthorizationId::from_column(&row.id).ok_or_else(corrupt)?,
            client_id: row.client_id,
            scope: row.scope,
            resource_server: row.resource_server,
            hints: Hints::from_column(row.hints.as_deref()).ok_or_else(corrupt)?,
            answer_to: answer_to.ok_or_else(corrupt)?,
            // The row's own id, which stands there where nobody has a challenge, is too short to be
            // a hash.
            challenge: row.challenge_hash.try_into().ok(),
            state: state.ok_or_else(corrupt)?,
            created_at: Timestamp::from_millis(row.created_at),
            expires_at: Timestamp::from_millis(row.expires_at),
        })
    }

    /// Redeemed and burnt authorizations are not written whole: see [`Self::redemption`].
    pub(crate) fn into_row(self) -> AuthorizationRow {
        let row = AuthorizationRow {
            id: self.id.to_column(),
            // No two rows have the same: where nobody has a challenge it is the row's own id.
            challenge_hash: self
                .challenge
                .map_or_else(|| self.id.to_column(), |hash| hash.to_vec()),
            client_id: self.client_id,
            scope: self.scope,
            resource_server: self.resource_server,
            hints: self.hints.to_column(),
            status: status_of(&self.state),
            created_at: self.created_at.as_millis(),
            expires_at: self.expires_at.as_millis(),
            ..AuthorizationRow::default()
        };

        with_state(with_answer(row, self.answer_to), &self.state)
    }

    /// The change of this row that makes it `next`, refused where this state has been left.
    pub(crate) fn step_to(&self, next: Self) -> AuthorizationStep {
        AuthorizationStep::new(status_of(&self.state), next.into_row())
    }

    /// The change of the row that a code was exchanged for a grant; without one, that it was burnt.
    /// A grant comes with its end.
    pub(crate) fn redemption(
        id: AuthorizationId,
        grant: Option<(GrantId, Timestamp)>,
    ) -> CodeRedemption {
        CodeRedemption {
            id: id.to_column(),
            expected_status: status::CODE_ISSUED,
            status: match grant {
                Some(_) => status::REDEEMED,
                None => status::BURNT,
            },
            grant_id: grant.map(|(grant, _)| grant.to_column()),
            expires_at: grant.map(|(_, end)| end.as_millis()),
        }
    }
}

/// The client's address, the appliance's code, or `None` where a row has neither or both.
fn read_answer_to(row: &mut AuthorizationRow) -> Option<AnswerTo> {
    match (row.redirect_uri.take(), row.device_code_id.take()) {
        (Some(redirect_uri), None) => Some(AnswerTo::Redirect(RedirectAnswer {
            redirect_uri,
            state: row.state.take(),
            nonce: row.nonce.take(),
            code_challenge: row.code_challenge.take(),
            jkt: row.jkt.take(),
        })),
        (None, Some(id)) => DeviceCodeId::from_column(&id).map(AnswerTo::Appliance),
        (Some(_), Some(_)) | (None, None) => None,
    }
}

/// `None` where the columns do not go together.
fn read_state(row: &mut AuthorizationRow) -> Option<AuthorizationState> {
    use AuthorizationState as State;

    let login = match row.user_id.take() {
        Some(user) => {
            let authentication = AuthenticationColumns {
                amr: row.amr.take(),
                acr: row.acr.take(),
                auth_time: row.auth_time?,
                claims: row.claims.take(),
            };
            let login = Login::from_columns(user, authentication)?;
            Some(login.with_session_column(row.session_id.take().as_deref())?)
        }
        None => None,
    };

    Some(match row.status {
        status::WAITING_FOR_LOGIN => State::WaitingForLogin,
        status::LOGGED_IN | status::LOGGED_IN_REMEMBERED => State::LoggedIn {
            login: login?,
            remember: row.status == status::LOGGED_IN_REMEMBERED,
        },
        status::WAITING_FOR_CONSENT => State::WaitingForConsent(login?),
        status::CONSENTED => State::Consented(login?),
        status::REFUSED => State::Refused {
            login,
            reason: serde_json::from_str(row.reason.as_deref()?).ok()?,
        },
        status::CODE_ISSUED => State::CodeIssued {
            code: row.code_hash.as_deref()?.try_into().ok()?,
            login: login?,
        },
        status::REDEEMED => State::Redeemed {
            grant_id: GrantId::from_column(row.grant_id.as_deref()?)?,
            user_id: login?.user_id,
        },
        status::REJECTED => State::Rejected(login),
        status::BURNT => State::Burnt,
        status::APPLIANCE_ALLOWED => State::ApplianceAllowed(login?),
        _ => return None,
    })
}

fn with_answer(row: AuthorizationRow, answer_to: AnswerTo) -> AuthorizationRow {
    match answer_to {
        AnswerTo::Redirect(answer) => AuthorizationRow {
            redirect_uri: Some(answer.redirect_uri),
            state: answer.state,
            nonce: answer.nonce,
            code_challenge: answer.code_challenge,
            jkt: answer.jkt,
            ..row
        },
        AnswerTo::Appliance(code) => AuthorizationRow {
            device_code_id: Some(code.to_column()),
            ..row
        },
    }
}

fn with_state(row: AuthorizationRow, state: &AuthorizationState) -> AuthorizationRow {
    let row = match state.login() {
        Some(Login {
            user_id,
            authentication,
        }) => AuthorizationRow {
            user_id: Some(user_id.to_string()),
            amr: authentication.amr_column(),
            acr: authentication.acr.clone(),
            auth_time: Some(authentication.time.as_millis()),
            claims: authentication.claims_column(),
            session_id: authentication.session_column(),
            ..row
        },
        None => row,
    };

    match state {
        AuthorizationState::CodeIssued { code, .. } => AuthorizationRow {
            code_hash: Some(code.to_vec()),
            ..row
        },
        AuthorizationState::Refused { reason, .. } => AuthorizationRow {
            // Two texts can always be written.
            reason: serde_json::to_string(reason).ok(),
            ..row
        },
        _ => row,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::LoginSessionId;
    use crate::oauth::model::claims::SealedClaims;
    use crate::oauth::model::{Authentication, Reason};

    fn authorization(state: AuthorizationState, answer_to: AnswerTo) -> Authorization {
        Authorization {
            id: AuthorizationId::from_bytes([1; 16]),
            client_id: "web".to_owned(),
            scope: "openid".to_owned(),
            resource_server: Some("orders".to_owned()),
            hints: Hints {
                prompt: Some("consent".to_owned()),
                ..Hints::default()
            },
            answer_to,
            challenge: Some([2; 32]),
            state,
            created_at: Timestamp::from_millis(1),
            expires_at: Timestamp::from_millis(2),
        }
    }

    fn redirect() -> AnswerTo {
        AnswerTo::Redirect(RedirectAnswer {
            redirect_uri: "bank://login".to_owned(),
            state: Some("s".to_owned()),
            nonce: None,
            code_challenge: Some("c".to_owned()),
            jkt: Some("k".to_owned()),
        })
    }

    fn login() -> Login {
        Login {
            user_id: "alice".parse().unwrap(),
            authentication: Authentication {
                amr: vec!["pwd".to_owned()],
                acr: None,
                time: Timestamp::from_millis(3),
                claims: Some(SealedClaims::from_column("sealed".to_owned())),
                session: Some(LoginSessionId::from_bytes([7; 16])),
            },
        }
    }

    fn reason() -> Reason {
        Reason {
            error: "access_denied".to_owned(),
            description: Some("No.".to_owned()),
        }
    }

    #[test]
    fn a_row_says_what_was_written() {
        use AuthorizationState as State;

        let code = [4; 32];
        let states = [
            State::WaitingForLogin,
            State::LoggedIn {
                login: login(),
                remember: false,
            },
            State::LoggedIn {
                login: login(),
                remember: true,
            },
            State::Consented(login()),
            State::Refused {
                login: None,
                reason: reason(),
            },
            State::Refused {
                login: Some(login()),
                reason: reason(),
            },
            State::WaitingForConsent(login()),
            State::CodeIssued {
                code,
                login: login(),
            },
            State::Rejected(None),
            State::Rejected(Some(login())),
            State::Burnt,
            State::ApplianceAllowed(login()),
        ];

        for state in states {
            for answer_to in [
                redirect(),
                AnswerTo::Appliance(DeviceCodeId::from_bytes([5; 16])),
            ] {
                let written = authorization(state.clone(), answer_to);
                let read = Authorization::from_row(written.clone().into_row());

                assert_eq!(read, Ok(written));
            }
        }
    }

    #[test]
    fn a_redemption_is_read_with_its_grant() {
        let issued = AuthorizationState::CodeIssued {
            code: [4; 32],
            login: login(),
        };
        let (row, grant) = (
            authorization(issued, redirect()).into_row(),
            GrantId::from_bytes([6; 16]),
        );
        let change = Authorization::redemption(
            AuthorizationId::from_bytes([1; 16]),
            Some((grant, Timestamp::from_millis(9))),
        );
        assert_eq!((&change.id, change.expected_status), (&row.id, row.status));

        let redeemed = AuthorizationRow {
            status: change.status,
            grant_id: change.grant_id,
            ..row
        };

        let expected = AuthorizationState::Redeemed {
            grant_id: grant,
            user_id: login().user_id,
        };
        assert_eq!(Authorization::from_row(redeemed).unwrap().state, expected);
    }

    #[test]
    fn a_row_that_does_not_make_sense_is_an_error() {
        let row =
            || authorization(AuthorizationState::WaitingForConsent(login()), redirect()).into_row();
        assert!(Authorization::from_row(row()).is_ok());

        for broken in [
            AuthorizationRow {
                id: vec![1],
                ..row()
            },
            AuthorizationRow {
                status: 11,
                ..row()
            },
            AuthorizationRow {
                status: status::CODE_ISSUED,
                ..row()
            },
            AuthorizationRow {
                status: status::REDEEMED,
                ..row()
            },
            AuthorizationRow {
                status: status::REFUSED,
                ..row()
            },
            AuthorizationRow {
                user_id: None,
                ..row()
            },
            AuthorizationRow {
                auth_time: None,
                ..row()
            },
            AuthorizationRow {
                amr: Some("pwd".to_owned()),
                ..row()
            },
            AuthorizationRow {
                hints: Some("{".to_owned()),
                ..row()
            },
            AuthorizationRow {
                redirect_uri: None,
                ..row()
            },
            AuthorizationRow {
                device_code_id: Some(vec![1; 16]),
                ..row()
            },
        ] {
            assert!(
                Authorization::from_row(broken.clone()).is_err(),
                "{broken:?}"
            );
        }
    }
}
