//! Client secrets. Pure.

use std::sync::Arc;

use super::credentials::PresentedSecret;
use crate::ids::ClientId;
use crate::secret::{constant_time_eq, sha256};
use crate::settings::{ApiClient, ClientCredential, Settings};

/// The API client of this id.
pub(super) fn find_api_client(settings: &Settings, client_id: &str) -> Option<Arc<ApiClient>> {
    let client_id = ClientId::new(client_id).ok()?;
    settings.api_clients.get(&client_id).cloned()
}

/// The API client of this id and secret.
pub(super) fn verify_api_client(
    settings: &Settings,
    client_id: &str,
    client_secret: &PresentedSecret,
) -> Option<Arc<ApiClient>> {
    let client = find_api_client(settings, client_id);
    let credentials = client.as_ref().map(|client| client.credentials.as_slice());
    let is_verified = verify(credentials.unwrap_or_default(), client_secret);

    client.filter(|_| is_verified)
}

/// Whether this is the client's secret.
///
/// The same work is done for a client that does not exist or has no secret, so that the time does
/// not tell them apart.
pub(super) fn verify(credentials: &[ClientCredential], client_secret: &PresentedSecret) -> bool {
    let hashes = credentials
        .iter()
        .filter_map(|credential| match credential {
            ClientCredential::SecretHash(hash) => Some(hash),
            ClientCredential::PublicKey(_) | ClientCredential::KeysAt(_) => None,
        });
    let expected: Vec<&[u8; 32]> = hashes.collect();
    let has_secret = !expected.is_empty();

    let mut is_equal = false;
    for reading in client_secret.readings() {
        let presented = sha256(reading.expose().as_bytes());
        // All are compared, even if the first one fits: the time tells nothing.
        for hash in expected.iter().copied().chain([&[0; 32]]) {
            is_equal |= constant_time_eq(hash, &presented);
        }
    }

    is_equal && has_secret
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
            verify_api_client(&settings, id, &secret).map(|client| client.client_id.to_string())
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
