//! Requests to the token endpoint, and the device's own access token.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::connection::Connection;
use super::device::Phone;
use super::error::PhoneError;
use super::saved::Token;
use crate::jose::jws;
use crate::random;
use crate::secret::SecretString;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const ASSERTION_LIFETIME: Duration = Duration::from_secs(60);
/// How long before its expiry an access token is replaced.
const RENEWAL_MARGIN: Duration = Duration::from_secs(10);

/// The parameters of a token request.
pub(super) type Form = Vec<(&'static str, String)>;

/// The successful response of RFC 6749 §5.1.
#[derive(Deserialize)]
struct TokenResponse {
    access_token: SecretString,
    expires_in: u64,
    refresh_token: Option<SecretString>,
}

/// Tokens that the server issued.
pub(super) struct Issued {
    pub(super) token: Token,
    pub(super) refresh_token: Option<SecretString>,
}

impl Phone {
    /// The device's own access token, which is replaced when it is about to expire.
    pub async fn device_token(&self) -> Result<SecretString, PhoneError> {
        let usable = self
            .0
            .device_token
            .lock()
            .as_ref()
            .and_then(|token| self.usable(token));

        if let Some(access_token) = usable {
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

    /// Forgets the device's access token, so that the next call needs a new one.
    pub fn forget_device_token(&self) {
        *self.0.device_token.lock() = None;
    }

    /// A new client assertion (RFC 7523 §3), for one use.
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

    /// Sends a token request. Adds the client's authentication to the parameters.
    pub(super) async fn request_token(&self, mut form: Form) -> Result<Issued, PhoneError> {
        form.push(("client_id", self.device_id().to_string()));
        form.push(("client_assertion_type", ASSERTION_TYPE.to_owned()));
        form.push(("client_assertion", self.client_assertion()?));

        // The lifetime counts from before the request, so that the token is not used too long.
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

/// 256 random bits as text, for a `jti`, a `state` or a PKCE verifier.
pub(super) fn random_text(random: &dyn random::Random) -> String {
    URL_SAFE_NO_PAD.encode(random::bytes::<32>(random))
}
