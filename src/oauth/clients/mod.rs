//! Who a client is, and how it proves it: with a secret, or with its key.

mod assertions;
mod authenticate;
mod client;
mod credentials;

use std::sync::Arc;

use super::TokenServer;
use super::error::log_unavailable;
use super::persist;
use crate::ids::ClientId;
use crate::jose::PublicJwk;
use crate::secret::{constant_time_eq, sha256};
use crate::settings::{ApiClient, ClientCredential, Settings};
use crate::store::StoreError;

pub(super) use assertions::audiences as assertion_audiences;
pub(super) use authenticate::AuthenticatedClient;
pub(super) use client::Client;
pub use credentials::{CLIENT_ASSERTION_TYPE, Credentials, PresentedCredentials, PresentedSecret};

/// Why a client was not recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// It did not say who it is. `401`.
    #[error(
        "The client has to authenticate: with Basic, with client_id and client_secret, or with a client assertion."
    )]
    Missing,
    /// Credentials in two places, or half of them (RFC 6749 §2.3). `400`.
    #[error("The client must authenticate in exactly one way, completely.")]
    Malformed,
    /// Unknown, or not with the right credentials; which of the two is not told. `401`.
    #[error("The client is unknown, or its credentials are wrong, expired or used before.")]
    Invalid,
    /// The database is out of reach, or overloaded. `503`.
    #[error("The server is busy or its database is out of reach; try again shortly.")]
    Unavailable,
}

impl From<StoreError> for ClientError {
    fn from(error: StoreError) -> Self {
        log_unavailable(&error);
        Self::Unavailable
    }
}

impl TokenServer {
    /// Finds out which API client this is. A secret is compared without touching the database; an
    /// assertion is used up.
    pub async fn authenticate_api_client(
        &self,
        credentials: &Credentials,
    ) -> Result<Arc<ApiClient>, ClientError> {
        let settings = self.0.base.settings.load();
        match credentials {
            Credentials::Secret {
                client_id,
                client_secret,
            } => verify_secret(&settings, client_id, client_secret).ok_or(ClientError::Invalid),
            Credentials::Assertion {
                client_id,
                assertion,
            } => {
                let client = find(&settings, client_id).ok_or(ClientError::Invalid)?;
                let ClientCredential::PublicKey(jwk) = &client.credential else {
                    return Err(ClientError::Invalid);
                };
                let key = PublicJwk::from_json(jwk).map_err(|_| ClientError::Invalid)?;
                let used = self.verify_assertion(&key, client_id, assertion.expose())?;
                if persist::use_assertions(&self.0.base.store, vec![used]).await? {
                    Ok(client)
                } else {
                    Err(ClientError::Invalid)
                }
            }
            Credentials::Public { .. } => Err(ClientError::Missing),
        }
    }
}

fn find(settings: &Settings, client_id: &str) -> Option<Arc<ApiClient>> {
    settings
        .api_clients
        .get(&ClientId::new(client_id).ok()?)
        .cloned()
}

/// The client of this id and secret.
fn verify_secret(
    settings: &Settings,
    client_id: &str,
    client_secret: &PresentedSecret,
) -> Option<Arc<ApiClient>> {
    let client = find(settings, client_id);
    let proven = is_secret_of(
        client.as_ref().map(|client| &client.credential),
        client_secret,
    );
    client.filter(|_| proven)
}

/// Whether this is the secret. The same work is done for a client that does not exist or has no
/// secret.
fn is_secret_of(credential: Option<&ClientCredential>, client_secret: &PresentedSecret) -> bool {
    let expected = match credential {
        Some(ClientCredential::SecretHash(hash)) => Some(hash),
        Some(ClientCredential::PublicKey(_)) | None => None,
    };
    let mut equal = false;
    for reading in client_secret.readings() {
        equal |= constant_time_eq(
            expected.unwrap_or(&[0; 32]),
            &sha256(reading.expose().as_bytes()),
        );
    }
    equal && expected.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretString;

    #[test]
    fn a_secret_opens_its_own_client_only() {
        let client = |id: &str, credential| {
            let client_id = ClientId::new(id).unwrap();
            (
                client_id.clone(),
                Arc::new(ApiClient::new(client_id, credential, [])),
            )
        };
        let settings = Settings {
            api_clients: [
                client("portal", ClientCredential::SecretHash(sha256(b"s3cret"))),
                client("other", ClientCredential::SecretHash(sha256(b"0ther"))),
                client("keyed", ClientCredential::PublicKey("{}".to_owned())),
            ]
            .into(),
            ..Settings::default()
        };
        let found = |id, secret: &str| {
            let secret = SecretString::new(secret.to_owned()).into();
            verify_secret(&settings, id, &secret).map(|client| client.client_id.to_string())
        };
        assert_eq!(found("portal", "s3cret"), Some("portal".to_owned()));
        for (id, secret) in [
            ("portal", "0ther"),
            ("portal", ""),
            ("Portal", "s3cret"),
            ("keyed", "{}"),
            ("keyed", ""),
            ("", ""),
            ("nobody", "s3cret"),
        ] {
            assert_eq!(found(id, secret), None, "{id} {secret}");
        }
    }
}
