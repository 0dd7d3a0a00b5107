use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::secret::TokenHash;
use crate::store::CorruptRow;
use crate::store::rows::PushedRequestRow;

/// A request to the authorization endpoint, its parameters as they came (RFC 6749 §4.1.1 and those
/// that extend it).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthorizeRequest {
    /// `response_type`: `code`.
    pub response_type: Option<String>,
    /// `response_mode`: `query`.
    pub response_mode: Option<String>,
    /// `client_id`: a web client or a device.
    pub client_id: Option<String>,
    /// `redirect_uri`: one of the client's.
    pub redirect_uri: Option<String>,
    /// `scope`: within what the client may ask for.
    pub scope: Option<String>,
    /// `state`: given back as it is.
    pub state: Option<String>,
    /// `nonce`: for the ID token.
    pub nonce: Option<String>,
    /// `code_challenge` (RFC 7636).
    pub code_challenge: Option<String>,
    /// `code_challenge_method`: `S256`.
    pub code_challenge_method: Option<String>,
    /// `resource`: the resource server the tokens are for (RFC 8707).
    pub resource: Option<String>,
    /// `prompt` (OpenID Connect Core §3.1.2.1).
    pub prompt: Option<String>,
    /// `max_age`: how long ago the user may have logged in, in seconds.
    pub max_age: Option<String>,
    /// `login_hint`: for the login page.
    pub login_hint: Option<String>,
    /// `id_token_hint`: an ID token of the user whom the client expects.
    pub id_token_hint: Option<String>,
    /// `ui_locales`: for the pages.
    pub ui_locales: Option<String>,
    /// `acr_values`: how well the user is to be authenticated.
    pub acr_values: Option<String>,
    /// `dpop_jkt`: the key the code is bound to (RFC 9449 §10).
    pub dpop_jkt: Option<String>,
    /// `request_uri`: of a pushed request (RFC 9126).
    pub request_uri: Option<String>,
    /// `request`: not supported (OpenID Connect Core §6.1).
    pub request: Option<String>,
}

/// A request that a client handed over itself (RFC 9126).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PushedRequest {
    pub(crate) client_id: String,
    pub(crate) request: AuthorizeRequest,
    pub(crate) expires_at: Timestamp,
}

impl PushedRequest {
    pub(crate) fn from_row(row: PushedRequestRow) -> Result<Self, CorruptRow> {
        let request = serde_json::from_str(&row.parameters)
            .map_err(|_| CorruptRow::new("pushed_requests", &row.request_hash))?;

        Ok(Self {
            client_id: row.client_id,
            request,
            expires_at: Timestamp::from_millis(row.expires_at),
        })
    }

    /// `hash` is that of the `request_uri`.
    pub(crate) fn to_row(&self, hash: &TokenHash) -> PushedRequestRow {
        PushedRequestRow {
            request_hash: hash.to_vec(),
            client_id: self.client_id.clone(),
            // Options of texts: nothing in it that JSON does not know.
            parameters: serde_json::to_string(&self.request).unwrap_or_default(),
            expires_at: self.expires_at.as_millis(),
        }
    }
}
