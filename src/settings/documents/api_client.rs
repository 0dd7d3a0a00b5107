use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Problem, Reveal};
use crate::ids::ClientId;
use crate::jose::PublicJwk;
use crate::secret::{SecretString, sha256};
use crate::settings::{ApiClient, ClientCredential, Permission};

/// An [`ApiClient`] as written. Exactly one of the three credentials is given.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct ApiClientDocument {
    client_id: ClientId,
    /// In the file only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    /// SHA-256 of the client secret, base64url: all that the database has of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_secret_sha256: Option<String>,
    /// `private_key_jwt`: the client's public key (RFC 7517).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    public_jwk: Option<Map<String, Value>>,
    permissions: BTreeSet<Permission>,
}

impl ApiClientDocument {
    pub(super) fn write(client: &ApiClient) -> Self {
        let mut document = Self {
            client_id: client.client_id.clone(),
            client_secret: None,
            client_secret_sha256: None,
            public_jwk: None,
            permissions: client.permissions.clone(),
        };
        match &client.credential {
            ClientCredential::SecretHash(hash) => document.client_secret_sha256 = Some(URL_SAFE_NO_PAD.encode(hash)),
            ClientCredential::PublicKey(jwk) => document.public_jwk = serde_json::from_str(jwk).ok(),
        }
        document
    }

    pub(in crate::settings) fn read(self, reveal: &dyn Reveal) -> Result<ApiClient, Problem> {
        let credential = match (self.client_secret, self.client_secret_sha256, self.public_jwk) {
            (Some(written), None, None) => {
                let secret = reveal.secret("client_secret", &written)?;
                check_strength(&secret)?;
                ClientCredential::SecretHash(sha256(secret.expose().as_bytes()))
            }
            (None, Some(hash), None) => ClientCredential::SecretHash(parse_hash(&hash)?),
            (None, None, Some(jwk)) => ClientCredential::PublicKey(parse_key(jwk)?),
            _ => return Err(Problem::new("client_secret", "give exactly one of client_secret and public_jwk")),
        };
        Ok(ApiClient { client_id: self.client_id, credential, permissions: self.permissions })
    }
}

/// Client secrets are kept as a fast hash, which is safe for 128 random bits and more, and for nothing that people think up.
fn check_strength(secret: &SecretString) -> Result<(), Problem> {
    const CHARACTERS_MIN: usize = 22;
    const DIFFERENT_MIN: usize = 8;
    let different: BTreeSet<char> = secret.expose().chars().collect();
    if secret.expose().chars().count() >= CHARACTERS_MIN && different.len() >= DIFFERENT_MIN {
        return Ok(());
    }
    let problem = "must be random, of at least 22 characters (openssl rand -base64 32)";
    Err(Problem::new("client_secret", problem))
}

/// The key with its required members only, so that the same key is always the same text.
fn parse_key(jwk: Map<String, Value>) -> Result<String, Problem> {
    let key = PublicJwk::from_json(&Value::Object(jwk).to_string());
    let problem = "must be a public P-256 key as a JSON Web Key, without its private part";
    key.map(|key| key.to_json()).map_err(|_| Problem::new("public_jwk", problem))
}

fn parse_hash(text: &str) -> Result<[u8; 32], Problem> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| Problem::new("client_secret_sha256", "must be a SHA-256 hash in base64url without padding"))
}
