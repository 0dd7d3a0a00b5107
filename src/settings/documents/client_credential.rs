//! The fields for a client's credential, which API clients and web clients share.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::secrets::SecretReader;
use crate::jose::PublicJwk;
use crate::secret::{SecretString, sha256};
use crate::settings::problem::Problem;
use crate::settings::types::ClientCredential;

/// At most one of the three is present.
#[derive(Default)]
pub(super) struct CredentialFields {
    /// Only in the file.
    pub(super) client_secret: Option<String>,
    /// SHA-256 of the client secret in base64url. The database does not have the secret itself.
    pub(super) client_secret_sha256: Option<String>,
    /// `private_key_jwt`: the client's public key (RFC 7517).
    pub(super) public_jwk: Option<Map<String, Value>>,
}

impl CredentialFields {
    pub(super) fn write(credential: &ClientCredential) -> Self {
        match credential {
            ClientCredential::SecretHash(hash) => Self {
                client_secret_sha256: Some(URL_SAFE_NO_PAD.encode(hash)),
                ..Self::default()
            },
            ClientCredential::PublicKey(jwk) => Self {
                public_jwk: serde_json::from_str(jwk).ok(),
                ..Self::default()
            },
        }
    }

    /// The credential, if one is present.
    pub(super) fn read(
        self,
        secrets: &dyn SecretReader,
    ) -> Result<Option<ClientCredential>, Problem> {
        match (
            self.client_secret,
            self.client_secret_sha256,
            self.public_jwk,
        ) {
            (None, None, None) => Ok(None),
            (Some(written), None, None) => {
                let secret = secrets.secret("client_secret", &written)?;
                // Only the hash is kept, from which its strength could not be told later.
                check_strength(&secret)?;
                Ok(Some(ClientCredential::SecretHash(sha256(
                    secret.expose().as_bytes(),
                ))))
            }
            (None, Some(hash), None) => Ok(Some(ClientCredential::SecretHash(parse_hash(&hash)?))),
            (None, None, Some(jwk)) => Ok(Some(ClientCredential::PublicKey(parse_key(jwk)?))),
            _ => Err(Problem::new(
                "client_secret",
                "give one of client_secret and public_jwk, not both",
            )),
        }
    }
}

/// Refuses secrets that people made up. They are stored as a fast hash, which is only safe for
/// random secrets of 128 bits or more.
fn check_strength(secret: &SecretString) -> Result<(), Problem> {
    // 128 bits in base64. Few distinct characters mean that a person has typed them.
    const CHARACTERS_MIN: usize = 22;
    const DISTINCT_CHARACTERS_MIN: usize = 8;

    let characters = secret.expose().chars();
    let distinct: BTreeSet<char> = characters.clone().collect();
    if characters.count() >= CHARACTERS_MIN && distinct.len() >= DISTINCT_CHARACTERS_MIN {
        return Ok(());
    }

    let problem = "must be random and have at least 22 characters (openssl rand -base64 32)";
    Err(Problem::new("client_secret", problem))
}

/// Keeps only the required members, so that equal keys are equal texts.
fn parse_key(jwk: Map<String, Value>) -> Result<String, Problem> {
    let key = PublicJwk::from_json(&Value::Object(jwk).to_string());
    let problem = "must be a public P-256 key as a JSON Web Key, without its private part";
    key.map(|key| key.to_json())
        .map_err(|_| Problem::new("public_jwk", problem))
}

fn parse_hash(text: &str) -> Result<[u8; 32], Problem> {
    let bytes = URL_SAFE_NO_PAD
        .decode(text)
        .ok()
        .and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| {
        Problem::new(
            "client_secret_sha256",
            "must be a SHA-256 hash in base64url without padding",
        )
    })
}
