//! What a token is issued for: one file for each grant.

mod authorization_code;
mod client_credentials;

use super::clients::Credentials;
use super::{OAuthError, TokenResponse, TokenServer};
use crate::secret::SecretString;

/// A request to the token endpoint (RFC 6749 §3.2), its parameters as they came.
#[derive(Clone, Debug)]
pub struct TokenRequest {
    /// Who asks.
    pub credentials: Credentials,
    /// `grant_type`.
    pub grant_type: String,
    /// `scope`: `client_credentials`.
    pub scope: Option<String>,
    /// `code`: `authorization_code`.
    pub code: Option<SecretString>,
    /// `redirect_uri`: `authorization_code`.
    pub redirect_uri: Option<String>,
    /// `code_verifier`: `authorization_code`.
    pub code_verifier: Option<SecretString>,
}

impl TokenServer {
    /// Issues a token.
    pub async fn token(&self, request: &TokenRequest) -> Result<TokenResponse, OAuthError> {
        match request.grant_type.as_str() {
            "client_credentials" => client_credentials::exchange(self, request).await,
            "authorization_code" => authorization_code::exchange(self, request).await,
            _ => Err(OAuthError::UnsupportedGrantType),
        }
    }
}
