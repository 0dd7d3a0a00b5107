//! Logging a user in: authorization code with PKCE (RFC 6749 §4.1, RFC 7636). A login page
//! authenticates the user.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::BoxFuture;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::connection::Connection;
use super::device::Phone;
use super::error::PhoneError;
use super::saved::DEFAULT;
use super::tokens::random_text;
use crate::ids::UserId;
use crate::secret::{SecretString, sha256};

/// Allows the phone to act for this user on this device.
const SCOPE: &str = "device user";
/// The most redirects between the login page and the application.
const REDIRECTS_MAX: usize = 5;

/// The page that authenticates users.
pub trait LoginPage: Send + Sync {
    /// Authenticates the user for this challenge. Returns the URL that the browser is sent to.
    fn log_in<'a>(
        &'a self,
        login_challenge: &'a str,
        user: &'a UserId,
    ) -> BoxFuture<'a, Result<Url, PhoneError>>;
}

/// A login page that accepts everybody and consents to everything through the API. For tests and
/// the demo.
pub struct ApiLoginPage {
    connection: Connection,
    client_id: String,
    client_secret: SecretString,
}

impl ApiLoginPage {
    /// A login page that calls the API as the client `client_id`, which needs the permission
    /// `user_authentication`.
    #[must_use]
    pub fn new(connection: Connection, client_id: &str, client_secret: SecretString) -> Self {
        Self {
            connection,
            client_id: client_id.to_owned(),
            client_secret,
        }
    }

    /// Accepts the log-in, and the consent if the server requires one, and follows redirects until
    /// they leave the server.
    async fn accept_all(&self, login_challenge: &str, user: &UserId) -> Result<Url, PhoneError> {
        let mut url = self
            .accept(
                "login",
                login_challenge,
                &json!({"subject": user, "amr": ["pwd"]}),
            )
            .await?;

        let server = self.connection.url("/oauth/")?;

        for _ in 0..REDIRECTS_MAX {
            if let Some(consent_challenge) = parameters(&url).remove("consent_challenge") {
                url = self
                    .accept("consent", &consent_challenge, &json!({}))
                    .await?;
            } else if url.as_str().starts_with(server.as_str()) {
                url = self.connection.redirect(url).await?;
            } else {
                return Ok(url);
            }
        }

        Err(PhoneError::LogInFailed("too many redirects".to_owned()))
    }

    async fn accept(&self, what: &str, challenge: &str, answer: &Value) -> Result<Url, PhoneError> {
        #[derive(Deserialize)]
        struct Accepted {
            redirect_to: Url,
        }

        let path = format!("/oauth/api/v1/{what}-requests/{challenge}/accept");
        let request = self
            .connection
            .request(Method::PUT, &path)?
            .basic_auth(&self.client_id, Some(self.client_secret.expose()))
            .json(answer);

        let accepted: Accepted = self.connection.json(request).await?;
        Ok(accepted.redirect_to)
    }
}

impl LoginPage for ApiLoginPage {
    fn log_in<'a>(
        &'a self,
        login_challenge: &'a str,
        user: &'a UserId,
    ) -> BoxFuture<'a, Result<Url, PhoneError>> {
        Box::pin(self.accept_all(login_challenge, user))
    }
}

/// A log-in in progress.
pub struct LogIn {
    /// The page that the user's browser has to open.
    pub login_page: Url,
    redirect_uri: String,
    state: String,
    verifier: SecretString,
}

impl LogIn {
    /// The challenge for the login page.
    pub fn login_challenge(&self) -> Result<String, PhoneError> {
        let challenge = parameters(&self.login_page).remove("login_challenge");
        challenge.ok_or(PhoneError::UnexpectedAnswer(
            "the login page's address has no login_challenge",
        ))
    }
}

impl Phone {
    /// Logs a user in through a login page. `redirect_uri` is one of the application's.
    pub async fn log_in(
        &self,
        login_page: &dyn LoginPage,
        user: &UserId,
        redirect_uri: &str,
    ) -> Result<(), PhoneError> {
        let begun = self.begin_log_in(redirect_uri).await?;
        let redirected_to = login_page.log_in(&begun.login_challenge()?, user).await?;
        self.finish_log_in(begun, user, redirected_to).await
    }

    /// Starts a log-in at the server.
    pub async fn begin_log_in(&self, redirect_uri: &str) -> Result<LogIn, PhoneError> {
        let random = self.0.connection.random.as_ref();
        let (state, verifier) = (random_text(random), random_text(random));

        let mut url = self.0.connection.url("/oauth/authorize")?;
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", self.device_id().as_str())
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("scope", SCOPE)
            .append_pair("state", &state)
            .append_pair(
                "code_challenge",
                &URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes())),
            )
            .append_pair("code_challenge_method", "S256");

        let login_page = self.0.connection.redirect(url).await?;
        if login_page.as_str().starts_with(redirect_uri) {
            return Err(refused(&parameters(&login_page)));
        }

        Ok(LogIn {
            login_page,
            redirect_uri: redirect_uri.to_owned(),
            state,
            verifier: verifier.into(),
        })
    }

    /// Follows the browser from the login page back to the application and exchanges the code for
    /// tokens. The login page determined the user; the phone remembers the tokens for `user`.
    pub async fn finish_log_in(
        &self,
        begun: LogIn,
        user: &UserId,
        redirected_to: Url,
    ) -> Result<(), PhoneError> {
        let answer = self.follow(redirected_to, &begun.redirect_uri).await?;
        if answer.get("state") != Some(&begun.state) {
            return Err(PhoneError::LogInFailed(
                "the answer belongs to another log-in".to_owned(),
            ));
        }

        let code = answer.get("code").ok_or_else(|| refused(&answer))?.clone();
        let form = vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", code),
            ("redirect_uri", begun.redirect_uri),
            ("code_verifier", begun.verifier.expose().to_owned()),
        ];

        let issued = self.request_token(form).await?;
        self.store_tokens(user, DEFAULT, issued);

        Ok(())
    }

    /// Follows redirects until they lead to the application. Returns the parameters of that URL.
    async fn follow(
        &self,
        mut url: Url,
        redirect_uri: &str,
    ) -> Result<HashMap<String, String>, PhoneError> {
        for _ in 0..REDIRECTS_MAX {
            if url.as_str().starts_with(redirect_uri) {
                return Ok(parameters(&url));
            }
            url = self.0.connection.redirect(url).await?;
        }

        Err(PhoneError::LogInFailed("too many redirects".to_owned()))
    }
}

fn parameters(url: &Url) -> HashMap<String, String> {
    url.query_pairs().into_owned().collect()
}

/// The error response of RFC 6749 §4.1.2.1.
fn refused(answer: &HashMap<String, String>) -> PhoneError {
    let error = answer.get("error").map_or("no code", String::as_str);

    let description = answer
        .get("error_description")
        .map(|text| format!(": {text}"))
        .unwrap_or_default();
    PhoneError::LogInFailed(format!("{error}{description}"))
}
