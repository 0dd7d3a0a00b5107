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
    let credential = client.as_ref().map(|client| &client.credential);
    let is_verified = verify(credential, client_secret);

    client.filter(|_| is_verified)
}

/// Whether this is the client's secret.
///
/// The same work is done for a client that does not exist or has no secret, so that the time does
/// not tell them apart.
pub(super) fn verify(
    credential: Option<&ClientCredential>,
    client_secret: &PresentedSecret,
) -> bool {
    let expected = match credential {
        Some(ClientCredential::SecretHash(hash)) => Some(hash),
        Some(ClientCredential::PublicKey(_)) | None => None,
    };

    let mut is_equal = false;
    for reading in client_secret.readings() {
        let presented = sha256(reading.expose().as_bytes());
        // All readings are compared, even if the first one fits: the time tells nothing.
        is_equal |= constant_time_eq(expected.unwrap_or(&[0; 32]), &presented);
    }

    is_equal && expected.is_some()
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
