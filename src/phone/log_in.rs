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

use super::connection::{Connection, Cookies};
use super::device::Phone;
use super::error::PhoneError;
use super::saved::DEFAULT;
use super::tokens::random_text;
use crate::ids::UserId;
use crate::secret::{SecretString, sha256};

/// Allows the phone to act for this user on this device.
const SCOPE: &str = "device user";
/// The most steps of a browser between the beginning and the application.
const REDIRECTS_MAX: usize = 10;

/// The user's way from the address where a log-in begins, in a browser, to the application.
pub trait UserAgent: Send + Sync {
    /// Logs the user in. Returns the URL that the browser ends at: the application's.
    fn log_in<'a>(
        &'a self,
        begun: &'a LogIn,
        user: &'a UserId,
    ) -> BoxFuture<'a, Result<Url, PhoneError>>;
}

/// A browser whose login page accepts everybody and whose consent page allows everything, through
/// the API. For tests and the demo.
pub struct ApiUserAgent {
    connection: Connection,
    client_id: String,
    client_secret: SecretString,
}

impl ApiUserAgent {
    /// The pages call the API as the client `client_id`, which needs the permission
    /// `user_authentication`.
    #[must_use]
    pub fn new(connection: Connection, client_id: &str, client_secret: SecretString) -> Self {
        Self {
            connection,
            client_id: client_id.to_owned(),
            client_secret,
        }
    }

    /// Follows redirects until they lead to the application, and answers the pages on the way.
    async fn accept_all(&self, begun: &LogIn, user: &UserId) -> Result<Url, PhoneError> {
        let mut cookies = Cookies::default();
        let mut url = begun.address.clone();

        for _ in 0..REDIRECTS_MAX {
            let parameters = parameters(&url);

            url = if url.as_str().starts_with(&begun.redirect_uri) {
                return Ok(url);
            } else if let Some(challenge) = parameters.get("login_challenge") {
                let answer = json!({"subject": user, "amr": ["pwd"]});
                self.accept("login", challenge, &answer).await?
            } else if let Some(challenge) = parameters.get("consent_challenge") {
                self.accept("consent", challenge, &json!({})).await?
            } else {
                self.connection.redirect(url, &mut cookies).await?
            };
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

impl UserAgent for ApiUserAgent {
    fn log_in<'a>(
        &'a self,
        begun: &'a LogIn,
        user: &'a UserId,
    ) -> BoxFuture<'a, Result<Url, PhoneError>> {
        Box::pin(self.accept_all(begun, user))
    }
}

/// A log-in in progress.
pub struct LogIn {
    /// Where the user's browser begins. It has to be one browser from here to the end.
    pub address: Url,
    redirect_uri: String,
    state: String,
    verifier: SecretString,
}

impl Phone {
    /// Logs a user in. `redirect_uri` is one of the application's.
    pub async fn log_in(
        &self,
        user_agent: &dyn UserAgent,
        user: &UserId,
        redirect_uri: &str,
    ) -> Result<(), PhoneError> {
        let begun = self.begin_log_in(redirect_uri)?;
        let ended_at = user_agent.log_in(&begun, user).await?;
        self.finish_log_in(begun, user, &ended_at).await
    }

    /// Begins a log-in.
    pub fn begin_log_in(&self, redirect_uri: &str) -> Result<LogIn, PhoneError> {
        let random = self.0.connection.random.as_ref();
        let (state, verifier) = (random_text(random), random_text(random));

        let mut address = self.0.connection.url("/oauth/authorize")?;
        address
            .query_pairs_mut()
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

        Ok(LogIn {
            address,
            redirect_uri: redirect_uri.to_owned(),
            state,
            verifier: verifier.into(),
        })
    }

    /// Exchanges the code that the browser brought to the application for tokens. The login page
    /// determined the user; the phone remembers the tokens for `user`.
    pub async fn finish_log_in(
        &self,
        begun: LogIn,
        user: &UserId,
        ended_at: &Url,
    ) -> Result<(), PhoneError> {
        let answer = parameters(ended_at);
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
