//! Login requests: the login page, an API client, learns what it is asked for and says who the user is.

use super::authorization::{AuthorizationStatus, CODE_TIME_TO_LIVE};
use super::error::log_unavailable;
use super::{TokenServer, persist, redirect};
use crate::clock::Timestamp;
use crate::ids::{ClientId, DeviceId, UserId};
use crate::secret::{OpaqueToken, TokenKind};
use crate::settings::Platform;
use crate::store::StoreError;
use crate::store::rows::AuthorizationRow;
use crate::users::events::{Concerning, EventType, event};

/// The most entries of `amr`, and the longest of them, in bytes.
const AMR_MAX: usize = 10;
const AMR_BYTES_MAX: usize = 64;
/// The longest `acr` and `error_description`, in bytes.
const TEXT_BYTES_MAX: usize = 255;

/// What may be told to the application as the reason (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6).
const REJECTIONS: [&str; 6] = [
    "access_denied",
    "login_required",
    "interaction_required",
    "consent_required",
    "server_error",
    "temporarily_unavailable",
];

/// What a login page is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginRequest {
    /// The installation.
    pub client_id: DeviceId,
    /// The application's identifier.
    pub application_id: String,
    /// The application's name.
    pub application_name: String,
    /// The platform.
    pub platform: Platform,
    /// As the user calls the device.
    pub device_name: String,
    /// The scopes asked for.
    pub scope: String,
    /// When the application asked.
    pub requested_at: Timestamp,
    /// Until when the login page may answer.
    pub expires_at: Timestamp,
}

/// The login page says who the user is.
#[derive(Clone, Debug)]
pub struct AcceptLogin {
    /// The user.
    pub subject: UserId,
    /// How the user was authenticated (RFC 8176): at most 10 names of at most 64 bytes.
    pub amr: Vec<String>,
    /// How well: at most 255 bytes.
    pub acr: Option<String>,
}

/// The login page says no.
#[derive(Clone, Debug, Default)]
pub struct RejectLogin {
    /// `access_denied` unless it says otherwise.
    pub error: Option<String>,
    /// For the application's developer: at most 255 printable ASCII characters without quotes and backslashes.
    pub error_description: Option<String>,
}

/// Why a login page was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoginRequestError {
    /// No such login request, or it is too late for it. `404`.
    #[error("There is no such login request, or it has expired.")]
    NotFound,
    /// It was accepted or rejected before. `409`.
    #[error("The login request was answered already.")]
    AlreadyAnswered,
    /// A member is out of its bounds. `400`.
    #[error("{parameter}: {problem}")]
    InvalidParameter {
        /// Which.
        parameter: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// `503`.
    #[error("The server is busy or its database is out of reach; try again shortly.")]
    Unavailable,
}

impl From<StoreError> for LoginRequestError {
    fn from(error: StoreError) -> Self {
        log_unavailable(&error);
        Self::Unavailable
    }
}

const fn invalid(parameter: &'static str, problem: &'static str) -> LoginRequestError {
    LoginRequestError::InvalidParameter { parameter, problem }
}

impl TokenServer {
    /// What the login page that was called with this `login_challenge` is asked for.
    pub async fn login_request(&self, challenge: &str) -> Result<LoginRequest, LoginRequestError> {
        let row = self.waiting_authorization(challenge).await?;
        let client_id = DeviceId::new(&row.client_id).map_err(|_| LoginRequestError::NotFound)?;
        let device = self.0.devices.find(&client_id).await?.ok_or(LoginRequestError::NotFound)?;
        let settings = self.0.settings.load();
        let application = settings.applications.get(&device.application_id).ok_or(LoginRequestError::NotFound)?;
        Ok(LoginRequest {
            client_id,
            application_id: device.application_id.to_string(),
            application_name: application.name.clone(),
            platform: device.platform,
            device_name: device.name,
            scope: row.scope,
            requested_at: Timestamp::from_millis(row.created_at),
            expires_at: Timestamp::from_millis(row.expires_at),
        })
    }

    /// Logs the user in. Gives the address the user's browser goes back to, with a code; `client` is the login page.
    pub async fn accept_login(
        &self,
        client: &ClientId,
        challenge: &str,
        answer: &AcceptLogin,
    ) -> Result<String, LoginRequestError> {
        check_acceptance(answer)?;
        let row = self.waiting_authorization(challenge).await?;
        let now = self.0.clock.now();
        let code = OpaqueToken::new(&self.0.keyring, TokenKind::AuthorizationCode, self.0.random.as_ref());
        let accepted = AuthorizationRow {
            status: AuthorizationStatus::CodeIssued.stored(),
            code_hash: Some(code.hash.to_vec()),
            user_id: Some(answer.subject.to_string()),
            amr: serde_json::to_string(&answer.amr).ok(),
            acr: answer.acr.clone(),
            auth_time: Some(now.as_millis()),
            expires_at: now.after(CODE_TIME_TO_LIVE).as_millis(),
            ..row
        };
        let device = DeviceId::new(&accepted.client_id).ok();
        let concerning = Concerning {
            client: Some(client),
            user: Some(&answer.subject),
            device: device.as_ref(),
            ..Concerning::default()
        };
        let event = event(EventType::AuthzRequestGrantCreated, concerning, now, self.0.random.as_ref());
        let redirect_to = self.answer_to_application(&accepted, &[("code", Some(code.text.expose()))]);
        if persist::finish_login(&self.0.store, accepted, Some(event)).await? {
            Ok(redirect_to)
        } else {
            Err(LoginRequestError::AlreadyAnswered)
        }
    }

    /// Does not log the user in. Gives the address the user's browser goes back to, with the reason.
    pub async fn reject_login(&self, challenge: &str, answer: &RejectLogin) -> Result<String, LoginRequestError> {
        let error = check_rejection(answer)?;
        let row = self.waiting_authorization(challenge).await?;
        let rejected = AuthorizationRow { status: AuthorizationStatus::Rejected.stored(), ..row };
        let parameters = [("error", Some(error)), ("error_description", answer.error_description.as_deref())];
        let redirect_to = self.answer_to_application(&rejected, &parameters);
        if persist::finish_login(&self.0.store, rejected, None).await? {
            Ok(redirect_to)
        } else {
            Err(LoginRequestError::AlreadyAnswered)
        }
    }

    async fn waiting_authorization(&self, challenge: &str) -> Result<AuthorizationRow, LoginRequestError> {
        let hash = self.0.keyring.token_hash(TokenKind::LoginChallenge, challenge);
        let row = persist::find_authorization(&self.0.store, hash).await?.ok_or(LoginRequestError::NotFound)?;
        if !AuthorizationStatus::WaitingForLogin.is_of(&row) {
            return Err(LoginRequestError::AlreadyAnswered);
        }
        if row.expires_at <= self.0.clock.now().as_millis() {
            return Err(LoginRequestError::NotFound);
        }
        Ok(row)
    }

    /// RFC 6749 §4.1.2 with `iss` of RFC 9207.
    fn answer_to_application(&self, row: &AuthorizationRow, parameters: &[(&str, Option<&str>)]) -> String {
        let common = [("state", row.state.as_deref()), ("iss", Some(self.0.issuer.as_str()))];
        redirect::with_parameters(row.redirect_uri.as_deref().unwrap_or_default(), &[parameters, &common].concat())
    }
}

fn check_acceptance(answer: &AcceptLogin) -> Result<(), LoginRequestError> {
    let is_name = |name: &String| (1..=AMR_BYTES_MAX).contains(&name.len()) && !name.chars().any(char::is_control);
    if answer.amr.len() > AMR_MAX || !answer.amr.iter().all(is_name) {
        return Err(invalid("amr", "must be at most 10 names of 1 to 64 bytes."));
    }
    if answer.acr.as_ref().is_some_and(|acr| acr.is_empty() || acr.len() > TEXT_BYTES_MAX) {
        return Err(invalid("acr", "must be 1 to 255 bytes."));
    }
    Ok(())
}

fn check_rejection(answer: &RejectLogin) -> Result<&'static str, LoginRequestError> {
    let wanted = answer.error.as_deref().unwrap_or("access_denied");
    let error = REJECTIONS.into_iter().find(|known| *known == wanted);
    let error =
        error.ok_or(invalid("error", "must be `access_denied` or another error of the authorization endpoint."))?;
    // The characters of RFC 6749 §4.1.2.1.
    let allowed = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b'"' && byte != b'\\';
    match &answer.error_description {
        Some(text) if text.len() > TEXT_BYTES_MAX || !text.bytes().all(allowed) => {
            Err(invalid("error_description", "must be at most 255 printable ASCII characters without \" and \\."))
        }
        Some(_) | None => Ok(error),
    }
}
