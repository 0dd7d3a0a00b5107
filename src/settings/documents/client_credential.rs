//! The fields for a client's credential, which API clients and web clients share.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::secrets::SecretReader;
use crate::jose::ClientKey;
use crate::secret::{SecretString, sha256};
use crate::settings::problem::Problem;
use crate::settings::types::ClientCredential;

/// The most credentials of a client: the one in use, and its successor or predecessor.
const CREDENTIALS_MAX: usize = 2;

/// A client has none, one or two credentials, of either kind.
#[derive(Default)]
pub(super) struct CredentialFields {
    /// Only in the file.
    pub(super) client_secret: Option<String>,
    /// Only in the file.
    pub(super) client_secrets: Vec<String>,
    /// SHA-256 of the client secrets in base64url. The database does not have the secrets themselves.
    pub(super) client_secret_sha256: Option<String>,
    pub(super) client_secrets_sha256: Vec<String>,
    /// `private_key_jwt`: the client's public keys (RFC 7517).
    pub(super) public_jwk: Option<Map<String, Value>>,
    pub(super) public_jwks: Vec<Map<String, Value>>,
    /// `private_key_jwt`: where the client publishes its keys.
    pub(super) jwks_uri: Option<String>,
}

impl CredentialFields {
    pub(super) fn write(credentials: &[ClientCredential]) -> Self {
        let hashes = credentials
            .iter()
            .filter_map(|credential| match credential {
                ClientCredential::SecretHash(hash) => Some(write_hash(hash)),
                ClientCredential::PublicKey(_) | ClientCredential::KeysAt(_) => None,
            });
        let keys = credentials
            .iter()
            .filter_map(|credential| match credential {
                ClientCredential::SecretHash(_) | ClientCredential::KeysAt(_) => None,
                ClientCredential::PublicKey(jwk) => serde_json::from_str(jwk).ok(),
            });
        let jwks_uri = credentials.iter().find_map(|credential| match credential {
            ClientCredential::KeysAt(address) => Some(address.clone()),
            ClientCredential::SecretHash(_) | ClientCredential::PublicKey(_) => None,
        });

        let (client_secret_sha256, client_secrets_sha256) = one_or_more(hashes.collect());
        let (public_jwk, public_jwks) = one_or_more(keys.collect());

        Self {
            client_secret_sha256,
            client_secrets_sha256,
            public_jwk,
            public_jwks,
            jwks_uri,
            ..Self::default()
        }
    }

    /// The credentials that are present.
    pub(super) fn read(self, secrets: &dyn SecretReader) -> Result<Vec<ClientCredential>, Problem> {
        let mut credentials = Vec::new();

        let first = self.client_secret.map(|written| ("client_secret", written));
        let more = self.client_secrets.into_iter();
        for (field, written) in first
            .into_iter()
            .chain(more.map(|written| ("client_secrets", written)))
        {
            let secret = secrets.secret(field, &written)?;
            // Only the hash is kept, from which its strength could not be told later.
            check_strength(field, &secret)?;
            let hash = sha256(secret.expose().as_bytes());
            credentials.push(ClientCredential::SecretHash(hash));
        }

        let hashes = self.client_secret_sha256.into_iter();
        for hash in hashes.chain(self.client_secrets_sha256) {
            let hash = parse_hash("client_secret_sha256", &hash)?;
            credentials.push(ClientCredential::SecretHash(hash));
        }

        let first = self.public_jwk.map(|jwk| ("public_jwk", jwk));
        let more = self.public_jwks.into_iter();
        for (field, jwk) in first
            .into_iter()
            .chain(more.map(|jwk| ("public_jwks", jwk)))
        {
            credentials.push(ClientCredential::PublicKey(parse_key(field, jwk)?));
        }

        credentials.extend(self.jwks_uri.map(ClientCredential::KeysAt));

        if credentials.len() > CREDENTIALS_MAX {
            return Err(Problem::new(
                "client_secrets",
                "give at most two credentials, secrets and keys together",
            ));
        }

        Ok(credentials)
    }
}

/// One value stands alone, several stand in a list.
fn one_or_more<T>(mut values: Vec<T>) -> (Option<T>, Vec<T>) {
    if values.len() == 1 {
        (values.pop(), Vec::new())
    } else {
        (None, values)
    }
}

/// Refuses secrets that people made up. They are stored as a fast hash, which is only safe for
/// random secrets of 128 bits or more.
pub(super) fn check_strength(field: &'static str, secret: &SecretString) -> Result<(), Problem> {
    // 128 bits in base64. Few distinct characters mean that a person has typed them.
    const CHARACTERS_MIN: usize = 22;
    const DISTINCT_CHARACTERS_MIN: usize = 8;

    let characters = secret.expose().chars();
    let distinct: BTreeSet<char> = characters.clone().collect();
    if characters.count() >= CHARACTERS_MIN && distinct.len() >= DISTINCT_CHARACTERS_MIN {
        return Ok(());
    }

    let problem = "must be random and have at least 22 characters (openssl rand -base64 32)";
    Err(Problem::new(field, problem))
}

/// Keeps only the required members, so that equal keys are equal texts.
fn parse_key(field: &'static str, jwk: Map<String, Value>) -> Result<String, Problem> {
    let key = ClientKey::from_json(&Value::Object(jwk).to_string());
    let problem = "must be a public key as a JSON Web Key, without its private part: P-256, Ed25519, or RSA of 2048 bits or more";
    key.map(|key| key.to_json().to_owned())
        .map_err(|_| Problem::new(field, problem))
}

pub(super) fn write_hash(hash: &[u8; 32]) -> String {
    URL_SAFE_NO_PAD.encode(hash)
}

pub(super) fn parse_hash(field: &'static str, text: &str) -> Result<[u8; 32], Problem> {
    let bytes = URL_SAFE_NO_PAD
        .decode(text)
        .ok()
        .and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| Problem::new(field, "must be a SHA-256 hash in base64url without padding"))
}
