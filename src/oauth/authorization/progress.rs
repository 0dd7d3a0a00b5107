//! One step further: what is saved, and where the user's browser goes on to.

use super::check::{AuthorizationError, error};
use super::device::DeviceCodeStatus;
use super::hints::Hints;
use super::state::AuthorizationStatus;
use super::{CODE_TIME_TO_LIVE, PAGE_TIME_TO_LIVE, persist, redirect};
use crate::oauth::TokenServer;
use crate::oauth::clients::Client;
use crate::oauth::scope;
use crate::secret::{OpaqueToken, TokenKind};
use crate::store::StoreError;
use crate::store::rows::{AuthorizationRow, DeviceCodeAnswer};

pub(super) const NO_LOGIN_PAGE: AuthorizationError =
    error("server_error", "No login page is configured on the server.");
const NO_CONSENT_PAGE: AuthorizationError = error(
    "server_error",
    "No consent page is configured on the server.",
);

/// An authorization that has arrived somewhere, still to be saved.
pub(super) struct Arrived {
    pub(super) row: AuthorizationRow,
    /// Where the browser goes on to.
    pub(super) address: String,
    /// What the device that waits is told.
    pub(super) device: Option<DeviceCodeAnswer>,
}

impl TokenServer {
    /// Whether the user of an authorization has to be asked. For a device always: who has sent the
    /// user the code is not known (RFC 8628 §5.4).
    pub(super) async fn needs_consent(
        &self,
        client: &Client,
        row: &AuthorizationRow,
    ) -> Result<bool, StoreError> {
        if Hints::of(row).prompts("consent") {
            return Ok(true);
        }
        if client.skips_consent() {
            return Ok(false);
        }
        if row.device_code_id.is_some() {
            return Ok(true);
        }
        let Some(user) = row.user_id.clone() else {
            return Ok(true);
        };
        let consent =
            persist::find_consent(&self.0.base.store, user, client.party().to_owned()).await?;
        let covers = |allowed: &str| {
            row.scope
                .split(' ')
                .all(|name| scope::contains(allowed, name))
        };
        Ok(!consent.is_some_and(|consent| covers(&consent.scope)))
    }

    /// Sends the browser of a new authorization to the login page.
    pub(super) fn send_to_login(&self, row: AuthorizationRow) -> Arrived {
        let Some(login_url) = &self.0.login_url else {
            return self.turn_away(row, NO_LOGIN_PAGE.code, Some(NO_LOGIN_PAGE.description));
        };
        let challenge = OpaqueToken::new(
            &self.0.base.keyring,
            TokenKind::LoginChallenge,
            self.0.base.random.as_ref(),
        );
        let address = redirect::with_parameters(
            login_url.as_str(),
            &[("login_challenge", Some(challenge.text.expose()))],
        );
        let row = AuthorizationRow {
            challenge_hash: challenge.hash.to_vec(),
            status: AuthorizationStatus::WaitingForLogin.stored(),
            ..row
        };
        Arrived {
            row,
            address,
            device: None,
        }
    }

    /// Brings an authorization whose user is known to where it goes next.
    pub(super) fn arrive(&self, row: AuthorizationRow, at: AuthorizationStatus) -> Arrived {
        let row = AuthorizationRow {
            status: at.stored(),
            ..row
        };
        match at {
            AuthorizationStatus::LoginRemembered => {
                let verifier = OpaqueToken::new(
                    &self.0.base.keyring,
                    TokenKind::LoginVerifier,
                    self.0.base.random.as_ref(),
                );
                let resume = format!("{}/oauth/authorize/resume", self.0.issuer);
                let address = redirect::with_parameters(
                    &resume,
                    &[("login_verifier", Some(verifier.text.expose()))],
                );
                Arrived {
                    row: AuthorizationRow {
                        challenge_hash: verifier.hash.to_vec(),
                        ..row
                    },
                    address,
                    device: None,
                }
            }
            AuthorizationStatus::WaitingForConsent => self.send_to_consent(row),
            AuthorizationStatus::CodeIssued => self.issue_code(row),
            AuthorizationStatus::DeviceAllowed => {
                let device = device_answer(&row, DeviceCodeStatus::Allowed);
                Arrived {
                    row,
                    address: self.device_page("allowed"),
                    device,
                }
            }
            AuthorizationStatus::WaitingForLogin
            | AuthorizationStatus::Redeemed
            | AuthorizationStatus::Rejected
            | AuthorizationStatus::Burnt => self.turn_away(row, "access_denied", None),
        }
    }

    fn send_to_consent(&self, row: AuthorizationRow) -> Arrived {
        let Some(consent_url) = &self.0.consent_url else {
            return self.turn_away(row, NO_CONSENT_PAGE.code, Some(NO_CONSENT_PAGE.description));
        };
        let challenge = OpaqueToken::new(
            &self.0.base.keyring,
            TokenKind::ConsentChallenge,
            self.0.base.random.as_ref(),
        );
        let parameters = [("consent_challenge", Some(challenge.text.expose()))];
        let address = redirect::with_parameters(consent_url.as_str(), &parameters);
        // A device does not wait any longer because its user takes time.
        let expires_at = match row.device_code_id {
            Some(_) => row.expires_at,
            None => self.0.base.clock.now().after(PAGE_TIME_TO_LIVE).as_millis(),
        };
        let row = AuthorizationRow {
            challenge_hash: challenge.hash.to_vec(),
            expires_at,
            ..row
        };
        Arrived {
            row,
            address,
            device: None,
        }
    }

    fn issue_code(&self, row: AuthorizationRow) -> Arrived {
        let code = OpaqueToken::new(
            &self.0.base.keyring,
            TokenKind::AuthorizationCode,
            self.0.base.random.as_ref(),
        );
        let address = self.answer_to_client(&row, &[("code", Some(code.text.expose()))]);
        let expires_at = self.0.base.clock.now().after(CODE_TIME_TO_LIVE).as_millis();
        Arrived {
            row: AuthorizationRow {
                code_hash: Some(code.hash.to_vec()),
                expires_at,
                ..row
            },
            address,
            device: None,
        }
    }

    /// Ends an authorization without anything, and says why.
    pub(super) fn turn_away(
        &self,
        row: AuthorizationRow,
        error: &str,
        description: Option<&str>,
    ) -> Arrived {
        let row = AuthorizationRow {
            status: AuthorizationStatus::Rejected.stored(),
            ..row
        };
        let device = device_answer(&row, DeviceCodeStatus::Denied);
        let address = match row.device_code_id {
            Some(_) => self.device_page("denied"),
            None => self.answer_to_client(
                &row,
                &[("error", Some(error)), ("error_description", description)],
            ),
        };
        Arrived {
            row,
            address,
            device,
        }
    }

    fn device_page(&self, result: &str) -> String {
        format!("{}/oauth/device/done?result={result}", self.0.issuer)
    }

    /// RFC 6749 §4.1.2 with `iss` of RFC 9207.
    fn answer_to_client(
        &self,
        row: &AuthorizationRow,
        parameters: &[(&str, Option<&str>)],
    ) -> String {
        let redirect_uri = row.redirect_uri.as_deref().unwrap_or_default();
        self.answer_at(redirect_uri, row.state.as_deref(), parameters)
    }

    pub(super) fn answer_at(
        &self,
        redirect_uri: &str,
        state: Option<&str>,
        parameters: &[(&str, Option<&str>)],
    ) -> String {
        let common = [("state", state), ("iss", Some(self.0.issuer.as_str()))];
        redirect::with_parameters(redirect_uri, &[parameters, &common].concat())
    }
}

fn device_answer(row: &AuthorizationRow, status: DeviceCodeStatus) -> Option<DeviceCodeAnswer> {
    Some(DeviceCodeAnswer {
        id: row.device_code_id.clone()?,
        expected_status: DeviceCodeStatus::Waiting.stored(),
        status: status.stored(),
        scope: row.scope.clone(),
        user_id: row.user_id.clone(),
        amr: row.amr.clone(),
        acr: row.acr.clone(),
        auth_time: row.auth_time,
    })
}
