//! The authorization endpoint (RFC 6749 §4.1.1): checks what an application asks for and sends the user to the login page.

use super::authorization::{AuthorizationStatus, LOGIN_TIME_TO_LIVE};
use super::error::log_unavailable;
use super::{TokenServer, persist, pkce, redirect, scope};
use crate::devices::Device;
use crate::ids::{DeviceId, uuid_v7};
use crate::secret::{OpaqueToken, TokenKind};
use crate::store::StoreError;
use crate::store::rows::AuthorizationRow;

/// The longest `state`, in characters.
const STATE_CHARACTERS_MAX: usize = 512;

/// A request to the authorization endpoint, its parameters as they came.
#[derive(Clone, Debug, Default)]
pub struct AuthorizeRequest {
    /// `response_type`: `code`.
    pub response_type: Option<String>,
    /// `client_id`: the installation.
    pub client_id: Option<String>,
    /// `redirect_uri`: one of the application's.
    pub redirect_uri: Option<String>,
    /// `scope`: within `device user`.
    pub scope: Option<String>,
    /// `state`: given back as it is.
    pub state: Option<String>,
    /// `code_challenge` (RFC 7636).
    pub code_challenge: Option<String>,
    /// `code_challenge_method`: `S256`.
    pub code_challenge_method: Option<String>,
}

/// Why the user cannot be sent anywhere: to be shown to the user (RFC 6749 §4.1.2.1), never redirected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorizeRefusal {
    /// The client is not known, or not allowed to answer at this address. `400`.
    #[error("`client_id` is unknown, or `redirect_uri` is not one of its application's.")]
    ClientOrRedirectUri,
    /// `503`.
    #[error("The server is busy or its database is out of reach; try again shortly.")]
    Unavailable,
}

impl From<StoreError> for AuthorizeRefusal {
    fn from(error: StoreError) -> Self {
        log_unavailable(&error);
        Self::Unavailable
    }
}

/// An error the application is told by way of its redirect address (RFC 6749 §4.1.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct RedirectedError {
    code: &'static str,
    description: &'static str,
}

const fn redirected(code: &'static str, description: &'static str) -> RedirectedError {
    RedirectedError { code, description }
}

impl TokenServer {
    /// Gives the address the user's browser goes on to: the login page, or the application with an error.
    pub async fn authorize(&self, request: &AuthorizeRequest) -> Result<String, AuthorizeRefusal> {
        let device = match request.client_id.as_deref().map(DeviceId::new) {
            Some(Ok(id)) => self.0.devices.find(&id).await?,
            Some(Err(_)) | None => None,
        };
        let device = device.ok_or(AuthorizeRefusal::ClientOrRedirectUri)?;
        let redirect_uri = self.registered_redirect_uri(&device, request)?;
        match self.check_authorization(&device, request) {
            Ok(code_challenge) => self.send_to_login(&device, redirect_uri, code_challenge, request).await,
            Err(error) => Ok(self.redirect_error(redirect_uri, error, request)),
        }
    }

    fn registered_redirect_uri<'a>(
        &self,
        device: &Device,
        request: &'a AuthorizeRequest,
    ) -> Result<&'a str, AuthorizeRefusal> {
        let settings = self.0.settings.load();
        let registered = settings.applications.get(&device.application_id);
        request
            .redirect_uri
            .as_deref()
            .filter(|uri| registered.is_some_and(|known| redirect::is_registered(&known.redirect_uris, uri)))
            .ok_or(AuthorizeRefusal::ClientOrRedirectUri)
    }

    /// Everything about a request but its client and redirect address. Gives the challenge.
    fn check_authorization<'a>(
        &self,
        device: &Device,
        request: &'a AuthorizeRequest,
    ) -> Result<&'a str, RedirectedError> {
        match request.response_type.as_deref() {
            Some("code") => {}
            Some(_) => return Err(redirected("unsupported_response_type", "response_type: must be `code`.")),
            None => return Err(redirected("invalid_request", "response_type: is required.")),
        }
        if request.state.as_ref().is_some_and(|state| state.chars().count() > STATE_CHARACTERS_MAX) {
            return Err(redirected("invalid_request", "state: must not be longer than 512 characters."));
        }
        let allowed = |name: &str| scope::contains(scope::DEVICE_AND_USER, name);
        if scope::decide(request.scope.as_deref(), String::new, allowed).is_err() {
            return Err(redirected("invalid_scope", "scope: must be within `device user`."));
        }
        if request.code_challenge_method.as_deref() != Some("S256") {
            return Err(redirected("invalid_request", "code_challenge_method: must be `S256`."));
        }
        if device.enabled_version(&self.0.settings.load()).is_none() {
            return Err(redirected("unauthorized_client", "This version of the application is disabled: upgrade it."));
        }
        let challenge = request.code_challenge.as_deref().filter(|challenge| pkce::is_challenge(challenge));
        challenge.ok_or(redirected("invalid_request", "code_challenge: must be the base64url SHA-256 of a verifier."))
    }

    async fn send_to_login(
        &self,
        device: &Device,
        redirect_uri: &str,
        code_challenge: &str,
        request: &AuthorizeRequest,
    ) -> Result<String, AuthorizeRefusal> {
        let Some(login_url) = &self.0.login_url else {
            let error = redirected("server_error", "No login page is configured on the server.");
            return Ok(self.redirect_error(redirect_uri, error, request));
        };
        let now = self.0.clock.now();
        let challenge = OpaqueToken::new(&self.0.keyring, TokenKind::LoginChallenge, self.0.random.as_ref());
        let row = AuthorizationRow {
            id: uuid_v7(now, self.0.random.as_ref()).into_bytes().to_vec(),
            challenge_hash: challenge.hash.to_vec(),
            client_id: device.id.to_string(),
            redirect_uri: Some(redirect_uri.to_owned()),
            scope: scope::DEVICE_AND_USER.to_owned(),
            state: request.state.clone(),
            code_challenge: Some(code_challenge.to_owned()),
            status: AuthorizationStatus::WaitingForLogin.stored(),
            created_at: now.as_millis(),
            expires_at: now.after(LOGIN_TIME_TO_LIVE).as_millis(),
            ..AuthorizationRow::default()
        };
        persist::insert_authorization(&self.0.store, row).await?;
        Ok(redirect::with_parameters(login_url.as_str(), &[("login_challenge", Some(challenge.text.expose()))]))
    }

    fn redirect_error(&self, redirect_uri: &str, error: RedirectedError, request: &AuthorizeRequest) -> String {
        // A state that is too long is not given back: it is what the error is about.
        let state = request.state.as_deref().filter(|state| state.chars().count() <= STATE_CHARACTERS_MAX);
        redirect::with_parameters(
            redirect_uri,
            &[
                ("error", Some(error.code)),
                ("error_description", Some(error.description)),
                ("state", state),
                ("iss", Some(&self.0.issuer)),
            ],
        )
    }
}
