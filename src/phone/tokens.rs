//! Access tokens: the installation's own by `client_credentials`, each user's from logging in and
//! refreshing.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::Phone;
use super::connection::Connection;
use super::error::PhoneError;
use super::saved::Token;
use crate::jose::jws;
use crate::random;
use crate::secret::SecretString;

/// How long an assertion is good for.
const ASSERTION_LIFETIME: Duration = Duration::from_secs(60);
/// A token that is about to expire is not sent any more.
const RENEWAL_MARGIN: Duration = Duration::from_secs(10);
/// The parameters of a grant.
pub(super) type Form = Vec<(&'static str, String)>;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The successful answer of RFC 6749 §5.1.
#[derive(Deserialize)]
struct TokenResponse {
    access_token: SecretString,
    expires_in: u64,
    refresh_token: Option<SecretString>,
}

/// What the token endpoint issued.
pub(super) struct Issued {
    pub(super) token: Token,
    pub(super) refresh_token: Option<SecretString>,
}

impl Phone {
    /// The installation's access token; the one at hand while it is good, else a new one.
    pub async fn device_token(&self) -> Result<SecretString, PhoneError> {
        let at_hand = self
            .0
            .device_token
            .lock()
            .as_ref()
            .and_then(|token| self.usable(token));
        if let Some(access_token) = at_hand {
            return Ok(access_token);
        }

        let form = [
            ("grant_type", "client_credentials".to_owned()),
            ("scope", "device".to_owned()),
        ];
        let Issued { token, .. } = self.request_token(form.into()).await?;
        let access_token = token.access_token.clone();
        *self.0.device_token.lock() = Some(token);
        Ok(access_token)
    }

    /// Forgets the installation's access token, so that the next call fetches a new one.
    pub fn forget_device_token(&self) {
        *self.0.device_token.lock() = None;
    }

    /// A fresh assertion of who this installation is (RFC 7523 §3), good for one use.
    pub fn client_assertion(&self) -> Result<String, PhoneError> {
        let Connection { clock, random, .. } = &self.0.connection;
        let now = clock.now();

        let claims = json!({
            "iss": self.device_id(),
            "sub": self.device_id(),
            "aud": self.0.connection.url("/oauth/token")?,
            "iat": now.as_secs(),
            "exp": now.after(ASSERTION_LIFETIME).as_secs(),
            "jti": random_text(random.as_ref()),
        });

        jws::sign(self.key(), Some("JWT"), claims.to_string().as_bytes())
            .map_err(PhoneError::Cryptography)
    }

    /// Asks the token endpoint with a grant's own parameters; adds who is asking.
    pub(super) async fn request_token(&self, mut form: Form) -> Result<Issued, PhoneError> {
        form.push(("client_id", self.device_id().to_string()));
        form.push(("client_assertion_type", ASSERTION_TYPE.to_owned()));
        form.push(("client_assertion", self.client_assertion()?));
        let now = self.0.connection.clock.now();

        let request = self
            .0
            .connection
            .request(Method::POST, "/oauth/token")?
            .form(&form);
        let response: TokenResponse = self.0.connection.json(request).await?;
        let lifetime = Duration::from_secs(response.expires_in).saturating_sub(RENEWAL_MARGIN);
        let token = Token {
            access_token: response.access_token,
            renew_at: now.after(lifetime),
        };
        Ok(Issued {
            token,
            refresh_token: response.refresh_token,
        })
    }

    pub(super) fn usable(&self, token: &Token) -> Option<SecretString> {
        (self.0.connection.clock.now() < token.renew_at).then(|| token.access_token.clone())
    }
}

/// 256 random bits: fit for a `jti`, a `state` and a PKCE verifier.
pub(super) fn random_text(random: &dyn random::Random) -> String {
    URL_SAFE_NO_PAD.encode(random::bytes::<32>(random))
}
