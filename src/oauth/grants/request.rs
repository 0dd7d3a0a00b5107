use crate::oauth::clients::Credentials;
use crate::secret::SecretString;

/// A request to the token endpoint (RFC 6749 §3.2), its parameters as they came.
#[derive(Clone, Debug)]
pub struct TokenRequest {
    pub credentials: Credentials,
    pub grant_type: String,
    /// With `client_credentials` and `refresh_token`.
    pub scope: Option<String>,
    /// The resource server the token is for (RFC 8707).
    pub resource: Option<String>,
    /// With `urn:ietf:params:oauth:grant-type:token-exchange`: the same.
    pub audience: Option<String>,
    /// With `urn:ietf:params:oauth:grant-type:token-exchange`, as the three that follow.
    pub subject_token: Option<SecretString>,
    pub subject_token_type: Option<String>,
    pub requested_token_type: Option<String>,
    pub actor_token: Option<SecretString>,
    /// With `authorization_code`.
    pub code: Option<SecretString>,
    /// With `authorization_code`.
    pub redirect_uri: Option<String>,
    /// With `authorization_code`.
    pub code_verifier: Option<SecretString>,
    /// With `urn:ietf:params:oauth:grant-type:device_code`.
    pub device_code: Option<SecretString>,
    /// With `refresh_token`.
    pub refresh_token: Option<SecretString>,
    /// With `refresh_token`: by the key of the authenticator that protects it.
    pub proof: Option<SecretString>,
    /// With `refresh_token`: asks for one that this authenticator protects.
    pub authenticator: Option<String>,
    /// The `DPoP` header (RFC 9449 §5).
    pub dpop: Option<SecretString>,
}

impl TokenRequest {
    /// A request without any other parameter.
    #[must_use]
    pub fn new(credentials: Credentials, grant_type: impl Into<String>) -> Self {
        Self {
            credentials,
            grant_type: grant_type.into(),
            scope: None,
            resource: None,
            audience: None,
            subject_token: None,
            subject_token_type: None,
            requested_token_type: None,
            actor_token: None,
            code: None,
            redirect_uri: None,
            code_verifier: None,
            device_code: None,
            refresh_token: None,
            proof: None,
            authenticator: None,
            dpop: None,
        }
    }
}
